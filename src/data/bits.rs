//! Bit-fields, read and written: the least significant bit first, or in big-endian records the most significant.

use super::Value;
use super::convert::to_type;
use crate::ctype::ByteOrder;
use callsmith_arch::layout::{Scalar, Type};

/// The bit-field of `width` bits from bit `first` on, as a value of its declared type.
pub(super) fn read(all: &[u8], first: u64, width: u16, scalar: Scalar, order: ByteOrder) -> Value {
    let mut raw = 0u128;
    for bit in 0..width {
        raw |= u128::from(bit_at(all, first + u64::from(bit), order)) << significance(bit, width, order);
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
    order: ByteOrder,
    value: &Value,
) -> Result<(), String> {
    let integer = value.as_integer().ok_or_else(|| "a bit-field holds an integer".to_owned())?;
    let raw = match (is_signed(scalar), integer.fit::<i128>()) {
        (true, Some(signed)) => {
            let unused = 128 - u32::from(width);
            let (least, most) = (i128::MIN >> unused, i128::MAX >> unused);
            if !(least..=most).contains(&signed) {
                return Err(format!("{width} bits hold {least} to {most}"));
            }
            signed.cast_unsigned()
        }
        (_, _) => {
            let raw = integer.fit::<u128>().ok_or_else(|| "the bit-field is unsigned".to_owned())?;
            let most = u128::MAX >> (128 - u32::from(width));
            if raw > most {
                return Err(format!("{width} bits hold 0 to {most}"));
            }
            raw
        }
    };
    for bit in 0..width {
        let on = raw >> significance(bit, width, order) & 1 == 1;
        set_bit(all, first + u64::from(bit), order, on);
    }
    Ok(())
}

fn is_signed(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128)
}

/// Which power of two bit number `bit` of a bit-field stands for.
fn significance(bit: u16, width: u16, order: ByteOrder) -> u16 {
    match order {
        ByteOrder::Little => bit,
        ByteOrder::Big => width - 1 - bit,
    }
}

/// The byte that bit number `bit` is in, and which of its bits it is.
fn place(bit: u64, order: ByteOrder) -> (usize, u8) {
    let mask = match order {
        ByteOrder::Little => 1 << (bit % 8),
        ByteOrder::Big => 0x80 >> (bit % 8),
    };
    (usize::try_from(bit / 8).unwrap_or(usize::MAX), mask)
}

fn bit_at(all: &[u8], bit: u64, order: ByteOrder) -> bool {
    let (index, mask) = place(bit, order);
    all.get(index).is_some_and(|byte| byte & mask != 0)
}

fn set_bit(all: &mut [u8], bit: u64, order: ByteOrder, on: bool) {
    let (index, mask) = place(bit, order);
    if let Some(byte) = all.get_mut(index) {
        *byte = if on { *byte | mask } else { *byte & !mask };
    }
}
