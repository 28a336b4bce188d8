//! Random signatures, and smaller ones than a given one.

use super::gcc::{Role, is_judge};
use crate::support::ctype::{CScalar, CType};
use crate::support::rng::Rng;
use crate::support::typegen::TypeGen;
use callsmith::arch::Abi;
use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::host;
use std::fmt;
use std::str::FromStr;

/// The most scalars in one type: each is a line of C.
const LEAVES: usize = 40;
/// The largest type, in bytes.
const SIZE: u64 = 2048;

/// A signature, and one call of it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) abi: Abi,
    pub(crate) result: Option<CType>,
    pub(crate) params: Vec<CType>,
    /// For a variadic function, the types of this call's variable arguments.
    pub(crate) tail: Option<Vec<CType>>,
    /// Whether the callee writes to its parameters.
    pub(crate) scribbles: bool,
}

/// How a case is made: its number in the run of a seed, and the steps that made it smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) abi: Abi,
    pub(crate) seed: u64,
    pub(crate) index: u64,
    /// Which of [`Case::smaller`], one after the other.
    pub(crate) steps: Vec<usize>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}:{}", self.abi, self.seed, self.index)?;
        let mut separator = ':';
        for step in &self.steps {
            write!(f, "{separator}{step}")?;
            separator = '.';
        }
        Ok(())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Name, String> {
        let wrong = || format!("'{text}' is no case, such as SysV64:1:17 or Win64:1:17:3.0");
        let mut parts = text.split(':');
        let named = parts.next().unwrap_or_default();
        let known = Abi::ALL.iter().find(|abi| format!("{abi:?}") == named);
        let abi = *known.ok_or_else(wrong)?;
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or_else(wrong);
        let (seed, index) = (number()?, number()?);
        let steps = parts.next().map(|steps| steps.split('.').map(str::parse).collect());
        let steps = steps.unwrap_or(Ok(Vec::new())).map_err(|_| wrong())?;
        Ok(Name { abi, seed, index, steps })
    }
}

impl Name {
    /// The random numbers of this case.
    pub(crate) fn rng(&self) -> Rng {
        let mut rng = Rng::new(self.seed);
        Rng::new(rng.next() ^ self.index.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub(crate) fn case(&self) -> Case {
        let mut case = Case::random(self.abi, self.rng());
        for &step in &self.steps {
            case = case.smaller().swap_remove(step);
        }
        case
    }

    /// The cases that are one step smaller.
    pub(crate) fn smaller(&self) -> Vec<Name> {
        let with = |step| {
            let steps = self.steps.iter().copied().chain([step]).collect();
            Name { steps, ..self.clone() }
        };
        (0..self.case().smaller().len()).map(with).collect()
    }
}

impl Case {
    fn random(abi: Abi, rng: Rng) -> Case {
        let mut source = Source { abi, types: TypeGen::new(rng, host::MODEL), palette: Vec::new() };
        let result = (!source.types.rng.chance(12)).then(|| source.draw(Role::Result));
        // Many of one type use up one kind of register.
        if source.types.rng.chance(30) {
            let colours = 1 + source.types.rng.below(3);
            let palette = (0..colours).map(|_| source.draw(Role::Argument)).collect();
            source.palette = palette;
        }
        let count = match source.types.rng.below(100) {
            0..50 => source.types.rng.below(7),
            50..80 => source.types.rng.below(13),
            _ => source.types.rng.below(31),
        };
        let mut params: Vec<CType> = (0..count).map(|_| source.argument(Role::Argument)).collect();
        let tail = source.types.rng.chance(20).then(|| {
            if params.is_empty() {
                params.push(source.argument(Role::Argument));
            }
            let count = source.types.rng.below(9);
            (0..count).map(|_| source.argument(Role::Variadic)).collect()
        });
        // Declared by another convention, a variadic function's is this one (on 32-bit x86): nothing new. And gcc forgets
        // that such a function pops a hidden address.
        let tail = tail.filter(|_| abi.variadic() == abi);
        Case { abi, result, params, tail, scribbles: source.types.rng.chance(50) }
    }

    /// Cases with one thing less, the smallest first.
    pub(crate) fn smaller(&self) -> Vec<Case> {
        let mut smaller = Vec::new();
        if self.params.len() > 1 {
            smaller.extend(self.params.iter().map(|ty| Case { params: vec![ty.clone()], ..self.clone() }));
        }
        let fewest = usize::from(self.tail.is_some());
        if self.params.len() > fewest {
            smaller.extend(without_one(&self.params).map(|params| Case { params, ..self.clone() }));
        }
        if let Some(tail) = &self.tail {
            smaller.push(Case { tail: None, ..self.clone() });
            smaller.extend(without_one(tail).map(|tail| Case { tail: Some(tail), ..self.clone() }));
        }
        if self.scribbles {
            smaller.push(Case { scribbles: false, ..self.clone() });
        }
        if let Some(result) = &self.result {
            smaller.push(Case { result: None, ..self.clone() });
            let results = simpler(result, self.abi, Role::Result);
            smaller.extend(results.map(|ty| Case { result: Some(ty), ..self.clone() }));
        }
        let params = simpler_one(&self.params, self.abi, Role::Argument);
        smaller.extend(params.map(|params| Case { params, ..self.clone() }));
        if let Some(tail) = &self.tail {
            let tails = simpler_one(tail, self.abi, Role::Variadic);
            smaller.extend(tails.map(|tail| Case { tail: Some(tail), ..self.clone() }));
        }
        smaller
    }
}

/// Where the types of one signature come from.
struct Source {
    abi: Abi,
    types: TypeGen<'static>,
    palette: Vec<CType>,
}

impl Source {
    fn argument(&mut self, role: Role) -> CType {
        if self.palette.is_empty() || self.types.rng.chance(15) {
            return self.draw(role);
        }
        let index = self.types.rng.below(self.palette.len() as u64);
        let ty = self.palette[usize::try_from(index).expect("below a length")].clone();
        if role.takes(&ty, self.abi) { ty } else { self.draw(role) }
    }

    /// A type for this role; small ones more often than large ones, which all pass through memory.
    fn draw(&mut self, role: Role) -> CType {
        for _ in 0..20 {
            let ty = match self.types.rng.below(10) {
                0..4 => self.types.any(0),
                4..7 => self.types.any(2),
                _ => self.types.record(),
            };
            if role.takes(&ty, self.abi) && (size_of(&ty) <= 64 || self.types.rng.chance(30)) {
                return ty;
            }
        }
        CType::Scalar(CScalar::Int)
    }
}

fn size_of(ty: &CType) -> u64 {
    ty.lower(host::MODEL).map_or(u64::MAX, |ty| ty.size(host::MODEL).bytes())
}

impl Role {
    /// Whether this run has such a type in this role.
    fn takes(self, c: &CType, abi: Abi) -> bool {
        let Ok(ty) = c.lower(host::MODEL) else { return false };
        let is_array = matches!(ty, Type::Array(_));
        !is_array
            && ty.size(host::MODEL).bytes() <= SIZE
            && c.leaves().len() <= LEAVES
            && widest_vector(&ty) <= u64::from(host::vector_bytes())
            && !(self == Role::Variadic && is_promoted(&ty))
            && is_judge(c, &ty, self, abi)
    }
}

/// Whether C promotes such an argument behind a `...` (C11 6.5.2.2p6).
fn is_promoted(ty: &Type) -> bool {
    match ty {
        Type::Scalar(scalar) => match scalar {
            Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 => true,
            Scalar::Float(Float::F32) => true,
            Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 | Scalar::I128 | Scalar::U128 => false,
            Scalar::Float(Float::F16 | Float::F64 | Float::X87 | Float::F128) | Scalar::Pointer => false,
        },
        Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => false,
    }
}

/// The size of the widest vector in `ty`, in bytes.
fn widest_vector(ty: &Type) -> u64 {
    match ty {
        Type::Scalar(_) | Type::Complex(_) => 0,
        Type::Vector(vector) => vector.size.bytes(),
        Type::Array(array) => widest_vector(&array.element),
        Type::Record(record) => record.fields.iter().map(|field| widest_vector(&field.ty)).max().unwrap_or(0),
    }
}

fn without_one(types: &[CType]) -> impl Iterator<Item = Vec<CType>> {
    (0..types.len()).map(|index| {
        let mut fewer = types.to_vec();
        fewer.remove(index);
        fewer
    })
}

/// `types` with one of them simpler.
fn simpler_one(types: &[CType], abi: Abi, role: Role) -> impl Iterator<Item = Vec<CType>> {
    types.iter().enumerate().flat_map(move |(index, ty)| {
        simpler(ty, abi, role).map(move |ty| {
            let mut simpler = types.to_vec();
            simpler[index] = ty;
            simpler
        })
    })
}

fn simpler(ty: &CType, abi: Abi, role: Role) -> impl Iterator<Item = CType> {
    let is_int = matches!(ty, CType::Scalar(CScalar::Int));
    let int = (!is_int).then_some(CType::Scalar(CScalar::Int));
    int.into_iter().chain(ty.smaller()).filter(move |ty| role.takes(ty, abi))
}
