//! Random signatures over every kind of type that C passes. The same seed gives the same signatures everywhere.

#[path = "../../../tests/support/rng.rs"]
pub(crate) mod rng;

use callsmith_arch::layout::{
    DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type, Vector,
};
use callsmith_arch::{Abi, Align, Signature};
use rng::Rng;

const FLOATS: &[Float] = &[Float::F16, Float::F32, Float::F64, Float::X87, Float::F128];
const INTEGERS: &[Scalar] = &[
    Scalar::Bool,
    Scalar::I8,
    Scalar::U8,
    Scalar::I16,
    Scalar::U16,
    Scalar::I32,
    Scalar::U32,
    Scalar::I64,
    Scalar::U64,
    Scalar::I128,
    Scalar::U128,
];
const LANES: &[Scalar] =
    &[Scalar::I8, Scalar::I32, Scalar::Float(Float::F16), Scalar::Float(Float::F32), Scalar::U64];

/// A signature of up to about 20 parameters.
pub(crate) fn signature(rng: &mut Rng, abi: Abi) -> Signature {
    let len = match rng.below(10) {
        0..7 => rng.below(7),
        7..9 => rng.below(12),
        _ => rng.below(22),
    };
    // Signatures of scalars alone are common, and short ones end in a jump: not left to chance.
    let depth = if rng.chance(30) { None } else { Some(2) };
    let mut types = Types { rng, model: abi.data_model() };
    let result = if types.rng.chance(15) { None } else { Some(types.value(depth)) };
    let params: Vec<Type> = (0..len).map(|_| types.value(depth)).collect();
    let signature = if rng.chance(15) {
        let fixed = usize::try_from(rng.below(len + 1)).expect("few");
        Signature::variadic(abi, result, params, fixed)
    } else {
        Signature::new(abi, result, params)
    };
    signature.expect("few parameters")
}

/// A source of types that a data model has.
struct Types<'a> {
    rng: &'a mut Rng,
    model: &'static DataModel,
}

impl Types<'_> {
    /// A type that a parameter may have; a scalar where there is no depth.
    fn value(&mut self, depth: Option<u32>) -> Type {
        let Some(depth) = depth else { return self.scalar() };
        match self.rng.below(100) {
            0..45 => self.scalar(),
            45..53 => Type::Complex(self.float()),
            53..61 => self.vector(),
            61..75 => self.bytes(),
            _ => self.record(depth),
        }
    }

    fn scalar(&mut self) -> Type {
        Type::Scalar(match self.rng.below(100) {
            0..55 => self.pick(INTEGERS, |&scalar| scalar),
            55..90 => Scalar::Float(self.float()),
            _ => Scalar::Pointer,
        })
    }

    fn float(&mut self) -> Float {
        self.pick(FLOATS, |&float| Scalar::Float(float))
    }

    /// One that the model has.
    fn pick<T: Copy>(&mut self, all: &[T], scalar: impl Fn(&T) -> Scalar) -> T {
        loop {
            let one = self.rng.pick(all);
            if self.model.has(scalar(&one)) {
                return one;
            }
        }
    }

    fn vector(&mut self) -> Type {
        let lane = self.rng.pick(LANES);
        let size = self.rng.pick(&[8, 16, 16, 32, 64]);
        Type::Vector(Vector::new(lane, size).expect("a lane and a size of vectors"))
    }

    /// A struct of bytes: small odd sizes, or around where copies change their ways.
    fn bytes(&mut self) -> Type {
        let len = match self.rng.below(10) {
            0..5 => self.rng.below(17),
            5..8 => self.rng.below(80),
            8 => 240 + self.rng.below(40),
            _ => self.rng.below(3000),
        };
        let array = Type::array(Type::Scalar(Scalar::U8), len, self.model).expect("a short array");
        self.structure(&[Member::new(array)], RecordAttrs::new(RecordKind::Struct))
    }

    fn record(&mut self, depth: u32) -> Type {
        let kind = if self.rng.chance(20) { RecordKind::Union } else { RecordKind::Struct };
        let mut attrs = RecordAttrs::new(kind);
        attrs.packed = self.rng.chance(20);
        let aligned = self.rng.chance(12);
        attrs.align = aligned.then(|| Align::of(self.rng.pick(&[1, 2, 4, 8, 16, 32, 64, 4096, 8192])));
        attrs.pack = self.rng.chance(10).then(|| Align::of(self.rng.pick(&[1, 2, 4])));
        let len = self.rng.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 6]);
        let members: Vec<Member> = (0..len).map(|_| self.member(depth)).collect();
        self.structure(&members, attrs)
    }

    fn member(&mut self, depth: u32) -> Member {
        let mut member = match self.rng.below(100) {
            0..12 => return self.bit_field(),
            12..45 => Member::new(Type::Scalar(Scalar::Float(self.float()))),
            45..75 => Member::new(self.scalar()),
            75..90 if depth > 0 => Member::new(self.array(depth - 1)),
            _ if depth > 0 => Member::new(self.value(Some(depth - 1))),
            _ => Member::new(self.vector()),
        };
        member.packed = self.rng.chance(5);
        member
    }

    /// Half of them without a name: their bytes belong to no field.
    fn bit_field(&mut self) -> Member {
        let ty = self.rng.pick(&[Scalar::U8, Scalar::I32, Scalar::U64]);
        let bits = 1 + self.rng.below(8);
        let bits = u32::try_from(bits).expect("at most 8");
        if self.rng.chance(50) { Member::unnamed_bits(ty, bits) } else { Member::bits(ty, bits) }
    }

    fn array(&mut self, depth: u32) -> Type {
        let element = self.value(Some(depth));
        // C wants an element's size to be a multiple of its alignment.
        let whole = element.size(self.model).is_aligned(element.align(self.model));
        let element = if whole { element } else { self.scalar() };
        Type::array(element, self.rng.below(5), self.model).expect("a short array")
    }

    fn structure(&self, members: &[Member], attrs: RecordAttrs) -> Type {
        Record::new(self.model, attrs, members).expect("members that C allows").into()
    }
}
