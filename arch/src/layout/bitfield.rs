//! Bit-fields: who packs them how, and what C allows.

use super::{DataModel, Member, Scalar, Type};
use crate::Error;
use alloc::format;
use alloc::string::String;

/// Where bit-fields go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitFieldRule {
    /// GCC on System V: a bit-field may share bytes with whatever precedes it, but not straddle a unit of its own type.
    Gnu,
    /// Microsoft's: neighbours share a unit only when their types have one size.
    Msvc,
}

/// The width of a bit-field that C11 6.7.2.1p4-5 allows; `None` for any other member.
pub(super) fn check(model: &DataModel, member: &Member) -> Result<Option<u16>, Error> {
    let bad = |why: String| Err(Error::BadBitField { why });
    let Some(width) = member.bits else {
        return if member.padding { bad("a member has neither name nor width".into()) } else { Ok(None) };
    };
    let Type::Scalar(scalar) = member.ty else {
        return bad("its type is no integer type".into());
    };
    let limit = match scalar {
        Scalar::Bool => 1,
        Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::I128
        | Scalar::U128 => model.size_of(scalar).bytes() * 8,
        Scalar::Float(_) | Scalar::Pointer => return bad("its type is no integer type".into()),
    };
    if width == 0 && !member.padding {
        return bad("only a bit-field without a name may have no width".into());
    }
    match u16::try_from(width) {
        Ok(narrow) if u64::from(width) <= limit => Ok(Some(narrow)),
        _ => bad(format!("a width of {width} bits, its type has {limit}")),
    }
}
