//! Random C types: every kind, every attribute, small enough to read when one of them fails.

use super::ctype::{CMember, CRecord, CScalar, CType, LANES, VECTOR_SIZES};
use super::rng::Rng;
use callsmith_arch::layout::{BitFieldRule, DataModel, Float, RecordRule};
use callsmith_arch::{Align, Size};

/// How deep records and arrays are nested.
const DEPTH: u32 = 4;

/// A source of C types that the compilers of one data model accept.
pub(crate) struct TypeGen<'m> {
    pub(crate) rng: Rng,
    model: &'m DataModel,
    scalars: Vec<CScalar>,
    integers: Vec<CScalar>,
    floats: Vec<CScalar>,
    next_id: u32,
}

impl<'m> TypeGen<'m> {
    pub(crate) fn new(rng: Rng, model: &'m DataModel) -> TypeGen<'m> {
        let has = |scalar: &CScalar| model.has(scalar.scalar(model));
        let scalars: Vec<CScalar> = CScalar::ALL.iter().copied().filter(has).collect();
        let (floats, integers) = scalars.iter().copied().partition(|scalar| is_float(*scalar));
        let mut integers: Vec<CScalar> = integers;
        integers.retain(|scalar| !matches!(scalar, CScalar::VoidPointer | CScalar::FunctionPointer));
        TypeGen { rng, model, scalars, integers, floats, next_id: 0 }
    }

    /// A struct or union.
    pub(crate) fn record(&mut self) -> CType {
        self.next_id = 0;
        let mut record = self.record_of(DEPTH, false);
        let has_named = record.members.iter().any(|member| member.name.is_some());
        if !record.is_union && has_named && self.rng.chance(5) {
            let element = Box::new(self.element(1));
            let name = self.name();
            record.members.push(CMember {
                name: Some(name),
                ty: CType::Array { element, len: None },
                ..PLAIN
            });
        }
        CType::Record(Box::new(record))
    }

    /// Any type that a member may have, nested up to `depth`.
    pub(crate) fn any(&mut self, depth: u32) -> CType {
        match self.rng.below(100) {
            0..50 => CType::Scalar(self.pick_scalar()),
            50..57 => self.complex(),
            57..64 => self.vector(),
            64..80 if depth > 0 => self.array(depth),
            80..100 if depth > 0 => CType::Record(Box::new(self.record_of(depth - 1, false))),
            _ => CType::Scalar(self.pick_scalar()),
        }
    }

    fn pick_scalar(&mut self) -> CScalar {
        self.rng.pick(&self.scalars)
    }

    fn complex(&mut self) -> CType {
        // `_Float128` has no `_Complex` everywhere.
        let part = self.rng.pick(&self.floats);
        CType::Complex(if part == CScalar::Float128 { CScalar::Double } else { part })
    }

    fn vector(&mut self) -> CType {
        let lane = self.rng.pick(LANES);
        CType::Vector { lane, bytes: self.rng.pick(VECTOR_SIZES) }
    }

    fn array(&mut self, depth: u32) -> CType {
        let element = Box::new(self.element(depth - 1));
        CType::Array { element, len: Some(self.rng.pick(&[0, 1, 1, 2, 2, 3, 4])) }
    }

    /// An element of an array: C wants its size to be a multiple of its alignment.
    fn element(&mut self, depth: u32) -> CType {
        let element = self.any(depth);
        match element.lower(self.model) {
            Ok(ty) if ty.size(self.model).is_aligned(ty.align(self.model)) => element,
            Ok(_) | Err(_) => CType::Scalar(self.pick_scalar()),
        }
    }

    fn record_of(&mut self, depth: u32, anonymous: bool) -> CRecord {
        let id = self.next_id;
        self.next_id += 1;
        let is_union = self.rng.chance(20);
        let packed = self.rng.chance(15);
        let align = self.rng.chance(12).then(|| self.rng.pick(&[1, 2, 4, 8, 16, 32, 64]));
        let pack = (!anonymous && self.rng.chance(15)).then(|| self.rng.pick(&[1, 2, 4, 8, 16]));
        let bit_fields = (self.has_struct_attributes() && self.rng.chance(10))
            .then(|| self.rng.pick(&[BitFieldRule::Gnu, BitFieldRule::Msvc]));
        let mut record = CRecord { id, is_union, packed, align, pack, bit_fields, members: Vec::new() };
        let bit_field_share = self.rng.pick(&[0, 0, 10, 40, 80]);
        for _ in 0..self.rng.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8]) {
            let member = if self.rng.chance(bit_field_share) {
                self.bit_field()
            } else {
                self.plain_member(depth, pack)
            };
            record.members.push(member);
        }
        self.avoid_i386_quirk(&mut record);
        record
    }

    /// GCC for i386 takes a record of 8 or 16 bytes for the `long long` or `_Complex double` that it may hold, and aligns
    /// it to 4 inside records, even where another member aligns it more; unless an attribute does too.
    fn avoid_i386_quirk(&self, record: &mut CRecord) {
        if self.model.int64_align == Align::of(8) {
            return;
        }
        let laid_out = CType::Record(Box::new(record.clone())).lower(self.model).expect("a layout");
        let (size, align) = (laid_out.size(self.model), laid_out.align(self.model));
        if (size == Size::of(8) || size == Size::of(16)) && align >= Align::of(8) {
            record.align = Some(u32::try_from(align.bytes()).expect("small"));
        }
    }

    /// `ms_struct` and `gcc_struct` are GCC's for x86. For i386 Linux it gives a record of one `double` two alignments.
    fn has_struct_attributes(&self) -> bool {
        let is_x86 = self.model.long_double == Float::X87;
        is_x86 && self.model.records == RecordRule::Gnu && self.model.double_align == Align::of(8)
    }

    fn plain_member(&mut self, depth: u32, pack: Option<u32>) -> CMember {
        if depth > 0 && self.rng.chance(8) {
            let mut inner = self.record_of(depth - 1, true);
            inner.pack = pack;
            inherit_pack(&mut inner);
            return CMember { ty: CType::Record(Box::new(inner)), ..PLAIN };
        }
        let ty = self.any(depth);
        let name = Some(self.name());
        CMember { name, ty, bits: None, packed: self.rng.chance(6), align: self.member_align(8) }
    }

    fn bit_field(&mut self) -> CMember {
        let scalar = self.rng.pick(&self.integers);
        let ty = CType::Scalar(scalar);
        let limit = if scalar == CScalar::Bool {
            1
        } else {
            self.model.size_of(scalar.scalar(self.model)).bytes() * 8
        };
        let unnamed = self.rng.chance(20);
        let width = match self.rng.below(10) {
            0 | 1 if unnamed => 0,
            0 => limit,
            1..4 => 1 + self.rng.below(limit),
            _ => 1 + self.rng.below(limit.min(12)),
        };
        let name = (!unnamed).then(|| self.name());
        let bits = Some(u32::try_from(width).expect("at most 128"));
        // GCC for i386 aligns a bit-field with `aligned` to 8, however little that asks, if it has all 64 bits.
        let quirk = width == 64 && self.model.int64_align == Align::of(4);
        let align = self.member_align(6).filter(|_| !quirk);
        CMember { name, ty, bits, packed: self.rng.chance(6), align }
    }

    fn member_align(&mut self, percent: u64) -> Option<u32> {
        self.rng.chance(percent).then(|| self.rng.pick(&[1, 2, 4, 8, 16, 32]))
    }

    fn name(&mut self) -> String {
        let id = self.next_id;
        self.next_id += 1;
        format!("m{id}")
    }
}

const PLAIN: CMember =
    CMember { name: None, ty: CType::Scalar(CScalar::Int), bits: None, packed: false, align: None };

/// Anonymous records stand inside their parent's text, so its `#pragma pack` is theirs.
fn inherit_pack(record: &mut CRecord) {
    for member in &mut record.members {
        if let (None, CType::Record(inner)) = (&member.name, &mut member.ty) {
            inner.pack = record.pack;
            inherit_pack(inner);
        }
    }
}

fn is_float(scalar: CScalar) -> bool {
    matches!(
        scalar,
        CScalar::Float16 | CScalar::Float | CScalar::Double | CScalar::LongDouble | CScalar::Float128
    )
}
