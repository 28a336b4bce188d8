//! Layouts that documents state, or that a compiler is known for.

use super::*;
use alloc::vec;

fn record(model: &DataModel, attrs: RecordAttrs, members: &[Member]) -> Record {
    Record::new(model, attrs, members).expect("a layout")
}

fn structure(model: &DataModel, members: &[Member]) -> Record {
    record(model, RecordAttrs::new(RecordKind::Struct), members)
}

fn size_and_align(record: &Record) -> (u64, u64) {
    (record.size.bytes(), record.align.bytes())
}

/// AMD64 psABI figure 3.1, i386 psABI "Fundamental Types", Microsoft's "Storage and alignment of structures".
#[test]
fn eight_byte_scalars_are_aligned_by_target() {
    let members = [Member::new(Scalar::I8), Member::new(Scalar::Float(Float::F64))];
    assert_eq!(size_and_align(&structure(&DataModel::LP64, &members)), (16, 8));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_GNU, &members)), (12, 4));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_MINGW, &members)), (16, 8));
    assert_eq!(size_and_align(&structure(&DataModel::ILP32_MSVC, &members)), (16, 8));
}

/// An array of `sizeof` overflow, a record of it, a bit-field of it.
#[test]
fn sizes_that_overflow_are_errors() {
    let model = &DataModel::LP64;
    let half = Type::array(Scalar::I8.into(), 1 << 62, model).expect("fits");
    assert_eq!(half.size(model).bytes(), 1 << 62);
    assert_eq!(Type::array(half.clone(), 2, model), Err(Error::SizeOverflow { what: "an array" }));
    let twice = [Member::new(half.clone()), Member::new(half)];
    let attrs = RecordAttrs::new(RecordKind::Struct);
    assert_eq!(
        Record::new(model, attrs, &twice).map(|_| ()),
        Err(Error::SizeOverflow { what: "a struct or union" })
    );
}

#[test]
fn nesting_ends() {
    let model = &DataModel::LP64;
    let mut ty = Type::from(Scalar::I32);
    for _ in 0..MAX_DEPTH {
        ty = Type::array(ty, 1, model).expect("not too deep");
    }
    assert_eq!(ty.depth(), MAX_DEPTH);
    assert_eq!(Type::array(ty.clone(), 1, model), Err(Error::TooDeep { limit: MAX_DEPTH }));
    let attrs = RecordAttrs::new(RecordKind::Struct);
    assert_eq!(
        Record::new(model, attrs, &[Member::new(ty)]).map(|_| ()),
        Err(Error::TooDeep { limit: MAX_DEPTH })
    );
}

#[test]
fn leaves_come_lazily_and_in_order() {
    let model = &DataModel::LP64;
    let huge = Type::array(Scalar::I32.into(), 1 << 60, model).expect("fits");
    let mut seen = vec![];
    let done = huge.for_each_leaf(model, &mut |leaf| {
        seen.push(leaf.offset.bytes());
        seen.len() < 3
    });
    assert_eq!((done, seen), (false, vec![0, 4, 8]));

    let nothing = Type::from(structure(model, &[Member::unnamed_bits(Scalar::I32, 3)]));
    let many = Type::array(nothing, 1 << 60, model).expect("fits");
    assert!(many.for_each_leaf(model, &mut |_| panic!("no leaf here")));
}
