//! Bit-fields, read and written in memory that is little-endian.

use super::Value;
use super::convert::to_type;
use callsmith_arch::layout::{Scalar, Type};

/// The bit-field of `width` bits from bit `first` on, as a value of its declared type.
pub(super) fn read(all: &[u8], first: u64, width: u16, scalar: Scalar) -> Value {
    let mut raw = 0u128;
    for bit in 0..u64::from(width) {
        raw |= u128::from(bit_at(all, first + bit)) << bit;
    }
    let unused = 128 - u32::from(width);
    let signed = raw.wrapping_shl(unused).cast_signed().wrapping_shr(unused);
    let value = if is_signed(scalar) { Value::I128(signed) } else { Value::U128(raw) };
    // It fits: no bit-field is wider than its type.
    to_type(&value, &Type::Scalar(scalar)).unwrap_or(value)
}

/// Writes `value`, which is of the declared type, into that many bits; or says why it does not fit.
pub(super) fn write(
    all: &mut [u8],
    first: u64,
    width: u16,
    scalar: Scalar,
    value: &Value,
) -> Result<(), String> {
    let integer = value.as_integer().ok_or_else(|| "a bit-field holds an integer".to_owned())?;
    let raw = match (is_signed(scalar), integer.fit::<i128>()) {
        (true, Some(signed)) => {
            let limit = 1i128 << (width - 1);
            if !(-limit..limit).contains(&signed) {
                return Err(format!("{width} bits hold {} to {}", -limit, limit - 1));
            }
            signed.cast_unsigned()
        }
        (_, _) => {
            let raw = integer.fit::<u128>().ok_or_else(|| "the bit-field is unsigned".to_owned())?;
            if raw.checked_shr(width.into()).unwrap_or(0) != 0 {
                return Err(format!("{width} bits hold 0 to {}", (1u128 << width) - 1));
            }
            raw
        }
    };
    for bit in 0..u64::from(width) {
        set_bit(all, first + bit, raw >> bit & 1 == 1);
    }
    Ok(())
}

fn is_signed(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128)
}

fn bit_at(all: &[u8], bit: u64) -> bool {
    let byte = usize::try_from(bit / 8).ok().and_then(|index| all.get(index));
    byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
}

fn set_bit(all: &mut [u8], bit: u64, on: bool) {
    if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|index| all.get_mut(index)) {
        let mask = 1 << (bit % 8);
        *byte = if on { *byte | mask } else { *byte & !mask };
    }
}
