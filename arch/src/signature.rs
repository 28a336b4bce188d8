//! A signature: what classification needs to know of a function, and so the key of the stub table.

use crate::layout::Type;
use crate::{Abi, Error};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// How many parameters a signature may have.
pub const MAX_PARAMS: usize = 1_000;

/// The ABI, parameter types, result type of a C function; typedefs and names gone, so it can be a key.
///
/// In a variadic signature the parameters are those of one call: the fixed ones, then the rest as promoted by C11
/// 6.5.2.2p6 (`float` → `double`, small integers → `int`).
#[derive(Clone, Debug)]
pub struct Signature {
    abi: Abi,
    fixed: Option<u16>,
    result: Option<Type>,
    params: Box<[Type]>,
    outline: Outline,
}

/// A summary of a signature's types, which is nearly always all of them: looking up a key costs no walk over types then.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outline {
    /// The tags of the first parameters, 0 where there are no more; in the last place the result's, 0 for `void`.
    tags: [u8; 16],
    /// Whether there is anything beyond the tags: a composite type, a vector, more parameters.
    has_more: bool,
}

impl Outline {
    fn new(result: Option<&Type>, params: &[Type]) -> Outline {
        let mut outline = Outline { tags: [0; 16], has_more: params.len() > 15 };
        let (places, last) = outline.tags.split_at_mut(15);
        for (place, ty) in places.iter_mut().zip(params).chain(last.iter_mut().zip(result)) {
            *place = ty.tag();
            outline.has_more |= Type::has_content(*place);
        }
        outline
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Signature) -> bool {
        let Signature { abi, fixed, result, params, outline } = self;
        *abi == other.abi
            && *fixed == other.fixed
            && *outline == other.outline
            && (!outline.has_more || (*result == other.result && *params == other.params))
    }
}

impl Eq for Signature {}

impl Hash for Signature {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Signature { abi, fixed, result, params, outline } = self;
        abi.hash(state);
        fixed.hash(state);
        state.write_u128(u128::from_le_bytes(outline.tags));
        if outline.has_more {
            result.hash(state);
            params.hash(state);
        }
    }
}

impl Signature {
    /// A function of `params` returning `result` (`None` for `void`).
    ///
    /// # Errors
    /// More than [`MAX_PARAMS`] parameters.
    pub fn new(abi: Abi, result: Option<Type>, params: Vec<Type>) -> Result<Signature, Error> {
        if params.len() > MAX_PARAMS {
            return Err(Error::TooManyParameters { given: params.len(), limit: MAX_PARAMS });
        }
        let outline = Outline::new(result.as_ref(), &params);
        Ok(Signature { abi, fixed: None, result, params: params.into(), outline })
    }

    /// One call of a variadic function whose first `fixed` parameters are declared. Its ABI is [`Abi::variadic`]'s.
    ///
    /// # Errors
    /// As for [`Signature::new`]; more fixed parameters than there are.
    pub fn variadic(
        abi: Abi,
        result: Option<Type>,
        params: Vec<Type>,
        fixed: usize,
    ) -> Result<Signature, Error> {
        let mut signature = Signature::new(abi.variadic(), result, params)?;
        let given = signature.params.len();
        signature.fixed = match u16::try_from(fixed) {
            Ok(count) if fixed <= given => Some(count),
            _ => return Err(Error::BadVariadic { fixed, given }),
        };
        Ok(signature)
    }

    /// The calling convention.
    pub fn abi(&self) -> Abi {
        self.abi
    }

    /// The result's type; `None` for `void`.
    pub fn result(&self) -> Option<&Type> {
        self.result.as_ref()
    }

    /// The parameters' types, in order.
    pub fn params(&self) -> &[Type] {
        &self.params
    }

    /// Whether there is nothing but scalars and complex numbers in it, and not many: then there is nothing in them to look
    /// for. What is not simple may be so too.
    pub fn is_simple(&self) -> bool {
        !self.outline.has_more
    }

    /// How many parameters are declared, where the function is variadic.
    pub fn fixed(&self) -> Option<usize> {
        self.fixed.map(usize::from)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::layout::{DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Vector};
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::vec;
    use core::slice::from_ref;
    use std::hash::DefaultHasher;

    fn record(members: &[Type]) -> Type {
        let members: Vec<Member> = members.iter().cloned().map(Member::new).collect();
        Record::new(&DataModel::LP64, RecordAttrs::new(RecordKind::Struct), &members).unwrap().into()
    }

    /// Every scalar and complex type, and composite ones that differ in the last thing one looks at.
    fn types() -> Vec<Type> {
        let floats = [Float::F16, Float::F32, Float::F64, Float::X87, Float::F128];
        let [int, float] = [Scalar::I32, Scalar::Float(Float::F32)].map(Type::Scalar);
        let mut types: Vec<Type> = [
            [Scalar::Bool, Scalar::I8, Scalar::U8, Scalar::I16, Scalar::U16, Scalar::I32],
            [Scalar::U32, Scalar::I64, Scalar::U64, Scalar::I128, Scalar::U128, Scalar::Pointer],
        ]
        .concat()
        .into_iter()
        .map(Type::Scalar)
        .collect();
        types.extend(floats.map(|float| Type::Scalar(Scalar::Float(float))));
        types.extend(floats.map(Type::Complex));
        types.extend([8, 16].map(|size| Type::Vector(Vector::new(Scalar::I8, size).unwrap())));
        types.push(Type::Vector(Vector::new(Scalar::U8, 8).unwrap()));
        types.push(record(&[int.clone(), int.clone()]));
        types.push(record(&[int.clone(), float.clone()]));
        types.push(record(&[record(from_ref(&int)), record(from_ref(&int))]));
        types.push(record(&[record(from_ref(&float)), record(from_ref(&float))]));
        types
    }

    fn signatures() -> Vec<Signature> {
        let mut all = vec![Signature::new(Abi::SysV64, None, vec![]).unwrap()];
        for ty in types() {
            let int = Type::Scalar(Scalar::I32);
            for abi in [Abi::SysV64, Abi::Win64] {
                all.push(Signature::new(abi, Some(ty.clone()), vec![]).unwrap());
                all.push(Signature::new(abi, None, vec![ty.clone()]).unwrap());
                all.push(Signature::new(abi, None, vec![ty.clone(), int.clone()]).unwrap());
                all.push(Signature::new(abi, None, vec![int.clone(), ty.clone()]).unwrap());
                all.push(Signature::variadic(abi, None, vec![ty.clone(), int.clone()], 1).unwrap());
            }
            // Where the outline ends.
            for count in 14..18 {
                let mut params = vec![int.clone(); count];
                all.push(Signature::new(Abi::SysV64, None, params.clone()).unwrap());
                params.push(ty.clone());
                all.push(Signature::new(Abi::SysV64, None, params).unwrap());
            }
        }
        all
    }

    fn hash(signature: &Signature) -> u64 {
        let mut hasher = DefaultHasher::new();
        signature.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn keys_are_equal_where_everything_in_them_is() {
        // What `Debug` prints of the parts, made another time, is the oracle.
        let printed = |signature: &Signature| {
            let Signature { abi, fixed, result, params, outline: _ } = signature;
            format!("{abi:?} {fixed:?} {result:?} {params:?}")
        };
        let all: Vec<_> = signatures().into_iter().map(|key| (printed(&key), hash(&key), key)).collect();
        for again in signatures() {
            let (print, hash) = (printed(&again), hash(&again));
            for (other_print, other_hash, other) in &all {
                assert_eq!(again == *other, print == *other_print, "{print}\n{other_print}");
                assert!(print != *other_print || hash == *other_hash, "{print}");
            }
        }
    }

    #[test]
    fn hashes_tell_types_apart() {
        let mut types = types();
        // A hash looks at the members of a record, not into them: the last differs from the one before it in there.
        types.pop();
        let hashes: BTreeSet<u64> = types
            .iter()
            .map(|ty| hash(&Signature::new(Abi::SysV64, None, vec![ty.clone()]).unwrap()))
            .collect();
        assert_eq!(hashes.len(), types.len());
    }
}
