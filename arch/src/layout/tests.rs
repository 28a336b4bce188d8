//! Layouts that documents state. What compilers make of random types is in the root package's `tests/layout.rs`.

use super::*;
use alloc::vec;
use alloc::vec::Vec;

const CHAR: Scalar = Scalar::I8;
const SHORT: Scalar = Scalar::I16;
const INT: Scalar = Scalar::I32;
const DOUBLE: Scalar = Scalar::Float(Float::F64);

fn structure(model: &DataModel, members: &[Member]) -> Record {
    Record::new(model, RecordAttrs::new(RecordKind::Struct), members).expect("a layout")
}

fn union(model: &DataModel, members: &[Member]) -> Record {
    Record::new(model, RecordAttrs::new(RecordKind::Union), members).expect("a layout")
}

fn packed_to(model: &DataModel, pack: u64, members: &[Member]) -> Record {
    let attrs = RecordAttrs { pack: Align::new(pack), ..RecordAttrs::new(RecordKind::Struct) };
    Record::new(model, attrs, members).expect("a layout")
}

fn error(model: &DataModel, members: &[Member]) -> Error {
    let laid_out = Record::new(model, RecordAttrs::new(RecordKind::Struct), members);
    laid_out.expect_err("no layout")
}

fn size_and_align(record: &Record) -> (u64, u64) {
    (record.size.bytes(), record.align.bytes())
}

/// The first bit of each member.
fn starts(record: &Record) -> Vec<u64> {
    let start = |field: &Field| match field.place {
        Place::Bytes(offset) => offset.bytes() * 8,
        Place::Bits { first, .. } => first,
    };
    record.fields.iter().map(start).collect()
}

/// Intel386 psABI, "Fundamental Types", AMD64 psABI figure 3.1, Microsoft's "Storage and alignment of structures".
#[test]
fn eight_byte_scalars_are_aligned_by_target() {
    let members = [Member::new(CHAR), Member::new(DOUBLE)];
    assert_eq!(size_and_align(&structure(&DataModel::LP64, &members)), (16, 8));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_GNU, &members)), (12, 4));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_MINGW, &members)), (16, 8));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_MSVC, &members)), (16, 8));
    assert_eq!(DataModel::ILP32_GNU.object_align_of(DOUBLE), Align::of(8));
}

/// Intel386 psABI, "Bit-Fields": its figures, which the AMD64 psABI's rules give as well.
#[test]
fn the_bit_fields_of_the_psabi() {
    for model in [&DataModel::ILP32_GNU, &DataModel::LP64] {
        let right_to_left = [Member::bits(INT, 5), Member::bits(INT, 6), Member::bits(INT, 7)];
        let right_to_left = structure(model, &right_to_left);
        assert_eq!((size_and_align(&right_to_left), starts(&right_to_left)), ((4, 4), vec![0, 5, 11]));

        let boundary = structure(
            model,
            &[
                Member::bits(SHORT, 9),
                Member::bits(INT, 9),
                Member::new(CHAR),
                Member::bits(SHORT, 9),
                Member::bits(SHORT, 9),
                Member::new(CHAR),
            ],
        );
        assert_eq!((size_and_align(&boundary), starts(&boundary)), ((12, 4), vec![0, 9, 24, 32, 48, 64]));

        let shared = structure(model, &[Member::new(CHAR), Member::bits(SHORT, 8)]);
        assert_eq!((size_and_align(&shared), starts(&shared)), ((2, 2), vec![0, 8]));

        let united = union(model, &[Member::new(CHAR), Member::bits(SHORT, 8)]);
        assert_eq!(size_and_align(&united), (2, 2));

        let unnamed = structure(
            model,
            &[
                Member::new(CHAR),
                Member::unnamed_bits(INT, 0),
                Member::new(CHAR),
                Member::unnamed_bits(SHORT, 9),
                Member::new(CHAR),
            ],
        );
        assert_eq!((size_and_align(&unnamed), starts(&unnamed)), ((9, 1), vec![0, 32, 48, 64]));
    }
}

/// GCC manual, "x86 Options", `-mms-bitfields`: its examples t1 to t5.
#[test]
fn the_zero_width_bit_fields_of_microsoft() {
    for model in
        [&DataModel::LLP64_GNU, &DataModel::LLP64_MSVC, &DataModel::ILP32_MINGW, &DataModel::ILP32_MSVC]
    {
        let long = model.int(IntName::Long);
        let t1 = [Member::bits(long, 12), Member::unnamed_bits(long, 0), Member::bits(long, 12)];
        assert_eq!(structure(model, &t1).size.bytes(), 8);
        assert_eq!(structure(model, &[Member::bits(long, 12), Member::bits(long, 12)]).size.bytes(), 4);

        let t2 =
            structure(model, &[Member::bits(CHAR, 4), Member::unnamed_bits(SHORT, 0), Member::new(CHAR)]);
        assert_eq!((t2.size.bytes(), starts(&t2)), (4, vec![0, 16]));
        let t3 =
            structure(model, &[Member::bits(CHAR, 4), Member::unnamed_bits(SHORT, 0), Member::new(DOUBLE)]);
        assert_eq!((t3.size.bytes(), starts(&t3)), (16, vec![0, 64]));
        assert_eq!(structure(model, &[Member::bits(CHAR, 6), Member::unnamed_bits(long, 0)]).size.bytes(), 4);
        let t5 = [Member::new(CHAR), Member::unnamed_bits(long, 0), Member::new(CHAR)];
        assert_eq!(structure(model, &t5).size.bytes(), 2);
    }
}

/// Neighbours of different types share no unit (Microsoft C reference, "C Bit Fields"), but may under the psABI.
#[test]
fn bit_fields_of_different_types_share_by_rule() {
    let members = [Member::bits(CHAR, 4), Member::bits(INT, 4)];
    assert_eq!(size_and_align(&structure(&DataModel::LP64, &members)), (4, 4));
    assert_eq!(size_and_align(&structure(&DataModel::LLP64_GNU, &members)), (8, 4));
    assert_eq!(size_and_align(&structure(&DataModel::LLP64_MSVC, &members)), (8, 4));
    let ms_struct =
        RecordAttrs { bit_fields: Some(BitFieldRule::Msvc), ..RecordAttrs::new(RecordKind::Struct) };
    let ms_struct = Record::new(&DataModel::LP64, ms_struct, &members).expect("a layout");
    assert_eq!(size_and_align(&ms_struct), (8, 4));
}

/// AAPCS64, "Bit-fields": a container aligns its record "without exception for zero-sized or anonymous bit-fields"; clang
/// for Apple does not follow it there, nor does the AMD64 psABI.
#[test]
fn unnamed_bit_fields_align_by_target() {
    let members = [Member::new(CHAR), Member::unnamed_bits(INT, 0), Member::new(CHAR)];
    assert_eq!(size_and_align(&structure(&DataModel::AAPCS64_LINUX, &members)), (8, 4));
    assert_eq!(size_and_align(&structure(&DataModel::AAPCS64_DARWIN, &members)), (5, 1));
    assert_eq!(size_and_align(&structure(&DataModel::LP64, &members)), (5, 1));
}

/// GCC manual, "Empty Structures": "The structure has size zero". Microsoft C refuses it, clang for its target makes 4.
#[test]
fn empty_records_have_the_size_of_their_compiler() {
    assert_eq!(size_and_align(&structure(&DataModel::LP64, &[])), (0, 1));
    assert_eq!(size_and_align(&union(&DataModel::LLP64_GNU, &[])), (0, 1));
    assert_eq!(size_and_align(&structure(&DataModel::LLP64_MSVC, &[])), (4, 1));
}

/// C11 6.7.2.1p18: a flexible array member counts for alignment and padding only.
#[test]
fn a_flexible_array_has_no_size() {
    let model = &DataModel::LP64;
    let array = Type::array(INT.into(), 0, model).expect("an array");
    let record = structure(model, &[Member::new(CHAR), Member::new(array)]);
    assert_eq!((size_and_align(&record), starts(&record)), ((4, 4), vec![0, 32]));
}

/// GCC manual, "Structure-Layout Pragmas"; Microsoft's "align": what `__declspec(align)` asks, no `pack` lowers.
#[test]
fn pack_limits_members_but_not_declspec_align() {
    let aligned = |model| {
        let attrs = RecordAttrs { align: Align::new(8), ..RecordAttrs::new(RecordKind::Struct) };
        let inner = Record::new(model, attrs, &[Member::new(INT)]).expect("a layout");
        starts(&packed_to(model, 2, &[Member::new(CHAR), Member::new(inner)]))
    };
    assert_eq!(aligned(&DataModel::LP64), [0, 16]);
    assert_eq!(aligned(&DataModel::LLP64_GNU), [0, 16]);
    assert_eq!(aligned(&DataModel::LLP64_MSVC), [0, 64]);
    let plain = packed_to(&DataModel::LLP64_MSVC, 2, &[Member::new(CHAR), Member::new(DOUBLE)]);
    assert_eq!((size_and_align(&plain), starts(&plain)), ((10, 2), vec![0, 16]));
}

/// AAPCS64, "Composite Types": the natural alignment is that "before any alignment adjustment of the entire composite".
#[test]
fn natural_alignment_is_the_members() {
    let attrs = RecordAttrs { align: Align::new(32), ..RecordAttrs::new(RecordKind::Struct) };
    let member = Member { align: Align::new(16), ..Member::new(INT) };
    let record = Record::new(&DataModel::AAPCS64_LINUX, attrs, &[member]).expect("a layout");
    assert_eq!((record.natural_align, size_and_align(&record)), (Align::of(16), (32, 32)));
}

/// C11 6.7.2.1p4-5.
#[test]
fn bad_bit_fields_are_errors() {
    let model = &DataModel::LP64;
    let unnamed = Member { padding: true, ..Member::new(INT) };
    for member in [
        Member::bits(INT, 33),
        Member::bits(INT, u32::MAX),
        Member::bits(Scalar::Bool, 2),
        Member::bits(INT, 0),
        Member::bits(DOUBLE, 3),
        Member::bits(Scalar::Pointer, 3),
        Member::bits(Type::array(INT.into(), 1, model).expect("an array"), 3),
        unnamed,
    ] {
        assert!(
            matches!(error(model, core::slice::from_ref(&member)), Error::BadBitField { .. }),
            "{member:?}"
        );
    }
}

#[test]
fn types_that_a_model_lacks_are_errors() {
    let unsupported = |error| matches!(error, Error::Unsupported { .. });
    assert!(unsupported(error(&DataModel::ILP32_GNU, &[Member::new(Scalar::I128)])));
    assert!(unsupported(error(&DataModel::LLP64_MSVC, &[Member::new(Type::Complex(Float::X87))])));
    assert!(Type::array(Scalar::Float(Float::X87).into(), 1, &DataModel::AAPCS64_LINUX).is_err());
    for lane in [Scalar::Bool, Scalar::Pointer, Scalar::I128, Scalar::Float(Float::X87)] {
        assert!(Vector::new(lane, 16).is_err());
    }
    for size in [0, 4, 12, 128] {
        assert!(Vector::new(INT, size).is_err());
    }
}

#[test]
fn sizes_that_overflow_are_errors() {
    let model = &DataModel::LP64;
    let half = Type::array(CHAR.into(), 1 << 62, model).expect("fits");
    assert_eq!(half.size(model).bytes(), 1 << 62);
    assert_eq!(Type::array(half.clone(), 2, model), Err(Error::SizeOverflow { what: "an array" }));
    let twice = [Member::new(half.clone()), Member::new(half)];
    assert_eq!(error(model, &twice), Error::SizeOverflow { what: "a struct or union" });
}

#[test]
fn nesting_ends() {
    let model = &DataModel::LP64;
    let mut ty = Type::from(INT);
    for _ in 0..MAX_DEPTH {
        ty = Type::array(ty, 1, model).expect("not too deep");
    }
    assert_eq!(ty.depth(), MAX_DEPTH);
    assert_eq!(Type::array(ty.clone(), 1, model), Err(Error::TooDeep { limit: MAX_DEPTH }));
    assert_eq!(error(model, &[Member::new(ty)]), Error::TooDeep { limit: MAX_DEPTH });
}

/// Each union doubles the scalars of the one inside it: 30 of them would keep a classifier busy for ever.
#[test]
fn unions_of_unions_end() {
    let model = &DataModel::LP64;
    let attrs = RecordAttrs::new(RecordKind::Union);
    let doubled = (0..30).try_fold(Type::from(INT), |inner, _| {
        Record::new(model, attrs, &[Member::new(inner.clone()), Member::new(inner)]).map(Type::from)
    });
    assert!(matches!(doubled, Err(Error::Unsupported { .. })));
}

#[test]
fn leaves_come_lazily_and_in_order() {
    let model = &DataModel::LP64;
    let huge = Type::array(INT.into(), 1 << 60, model).expect("fits");
    let mut seen = vec![];
    let done = huge.for_each_leaf(model, &mut |leaf| {
        seen.push(leaf.offset.bytes());
        seen.len() < 3
    });
    assert_eq!((done, seen), (false, vec![0, 4, 8]));

    let nothing = Type::from(structure(model, &[Member::unnamed_bits(INT, 3)]));
    let many = Type::array(nothing, 1 << 60, model).expect("fits");
    assert!(many.for_each_leaf(model, &mut |_| panic!("no leaf here")));
}

#[test]
fn leaves_of_every_kind() {
    let model = &DataModel::ILP32_GNU;
    let vector = Vector::new(SHORT, 8).expect("a vector");
    let members = [
        Member::new(Type::Complex(Float::X87)),
        Member::bits(INT, 7),
        Member::unnamed_bits(INT, 3),
        Member::bits(INT, 9),
        Member::new(Type::Vector(vector)),
    ];
    let mut seen = vec![];
    Type::from(structure(model, &members)).for_each_leaf(model, &mut |leaf| {
        seen.push((leaf.offset.bytes(), leaf.size.bytes(), leaf.bit_field));
        true
    });
    let parts = [(0, 12, false), (12, 12, false)];
    let bits = [(24, 1, true), (25, 2, true)];
    let lanes = [(32, 2, false), (34, 2, false), (36, 2, false), (38, 2, false)];
    assert_eq!(seen, [&parts[..], &bits, &lanes].concat());
}
