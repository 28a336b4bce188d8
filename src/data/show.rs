//! C data as a C initialiser.

use super::Value;
use super::spot::{Spot, fields};
use crate::ctype::{Field, Kind};
use callsmith_arch::layout::Place;
use std::fmt;

pub(super) fn show(spot: &Spot, all: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match spot.ctype.resolved().kind() {
        Kind::Record(_) => {
            f.write_str("{")?;
            let mut separator = "";
            for inner in members(spot)? {
                let (name, inner) = inner?;
                f.write_str(separator)?;
                if let Some(name) = name {
                    write!(f, ".{name} = ")?;
                }
                show(&inner, all, f)?;
                separator = ", ";
            }
            f.write_str("}")
        }
        Kind::Array { .. } | Kind::Vector { .. } | Kind::Complex(_) => {
            f.write_str("{")?;
            for index in 0.. {
                let Some(inner) = spot.element(index) else { break };
                f.write_str(if index == 0 { "" } else { ", " })?;
                show(&inner, all, f)?;
            }
            f.write_str("}")
        }
        _ => match spot.read(all) {
            Ok(Value::Data(data)) => {
                data.bytes().iter().rev().try_fold((), |(), byte| write!(f, "{byte:02x}"))
            }
            Ok(value) => write!(f, "{value}"),
            Err(error) => write!(f, "{error}"),
        },
    }
}

type Named = (Option<String>, Spot);

/// The members, padding bits left out.
fn members(spot: &Spot) -> Result<impl Iterator<Item = Result<Named, fmt::Error>> + '_, fmt::Error> {
    let fields = fields(&spot.ctype).map_err(|_| fmt::Error)?;
    let last = fields.len().saturating_sub(1);
    Ok(fields.into_iter().enumerate().filter_map(move |(index, Field { name, ty, place })| {
        let padding = name.is_none() && matches!(place, Place::Bits { .. });
        (!padding).then(|| spot.inner(ty, place, index == last).map(|spot| (name, spot)).ok_or(fmt::Error))
    }))
}
