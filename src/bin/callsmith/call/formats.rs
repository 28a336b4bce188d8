//! Floating-point numbers for which Rust has no type: `_Float16`, and `_Float128` where the C library reads and prints it.

use super::argument::Refusal;
use super::number;
use crate::foreign;
use callsmith::arch::layout::Float;
use callsmith::ctype::{CType, Kind};
use callsmith::{Data, Value, host};

/// The number that `text` spells, as one of the type `ctype`, whose format is `format`.
pub(super) fn read(text: &str, ctype: &CType, format: Float) -> Result<Value, Refusal> {
    let integer = number::integer(text).filter(|constant| !constant.is_decimal());
    let decimal = integer.and_then(number::Constant::value).map(|value| value.to_string());
    let text = decimal.as_deref().unwrap_or(text);
    let bytes = match format {
        Float::F16 => half_of(text)?.to_le_bytes().to_vec(),
        Float::F128 => foreign::parse_quad(text)?,
        Float::F32 | Float::F64 | Float::X87 => {
            return Err(Some("numbers of this type cannot be given here".into()));
        }
    };
    Data::from_bytes(ctype, &bytes).map(Value::from).map_err(|error| Some(error.to_string()))
}

/// The number in `data` in C's spelling; its bytes where nobody here reads it.
pub(super) fn print(data: &Data) -> String {
    let format = match data.ctype().resolved().kind() {
        Kind::Floating(name) => Some(name.format(host::MODEL)),
        _ => None,
    };
    let text = match (format, data.bytes()) {
        (Some(Float::F16), [low, high]) => Some(shortest(u16::from_le_bytes([*low, *high]))),
        (Some(Float::F128), bytes) => foreign::print_quad(bytes),
        (_, _) => None,
    };
    text.unwrap_or_else(|| data.to_string())
}

fn half_of(text: &str) -> Result<u16, Refusal> {
    let (number, suffix) = super::argument::floating_constant(text, Float::F64).ok_or(None)?;
    let number = number.as_float().filter(|_| suffix.is_empty()).ok_or(None)?;
    let half = to_half(number);
    if from_half(half).is_infinite() && number.is_finite() {
        return Err(Some("it is out of range".into()));
    }
    Ok(half)
}

/// The fraction's bits, and the exponent of the least normal number and of the last one (IEEE 754, binary16).
const BITS: i32 = 10;
const LEAST: i32 = -14;
const MOST: i32 = 15;
const INFINITY: u16 = 0x7c00;

/// Rounded to the nearest, ties to even.
fn to_half(number: f64) -> u16 {
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = number.abs();
    if magnitude.is_nan() {
        return sign | INFINITY | 0x200;
    }
    // What one in the last place is worth: a power of two, so that the quotient is exact.
    let exponent = if magnitude < 2f64.powi(LEAST) { LEAST } else { exponent_of(magnitude) };
    let last = 2f64.powi(exponent - BITS);
    let count = (magnitude / last).round_ties_even();
    // Counted from the least number on, halves follow each other as integers do, across exponents.
    let below = f64::from(exponent - LEAST) * f64::from(1 << BITS);
    let place = below + count;
    let is_finite = exponent <= MOST && place < f64::from(INFINITY);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an integer below INFINITY
    let bits = if is_finite { place as u16 } else { INFINITY };
    sign | bits
}

/// The exponent of a normal number.
fn exponent_of(magnitude: f64) -> i32 {
    let biased = magnitude.to_bits() >> 52 & 0x7ff;
    i32::try_from(biased).unwrap_or_default() - 1023
}

fn from_half(half: u16) -> f64 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (half >> BITS & 0x1f, f64::from(half & 0x3ff));
    let one = f64::from(1 << BITS);
    sign * match exponent {
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        0 => fraction * 2f64.powi(LEAST - BITS),
        normal => (one + fraction) * 2f64.powi(i32::from(normal) - 1 + LEAST - BITS),
    }
}

/// The fewest digits that tell it from all others.
fn shortest(half: u16) -> String {
    let number = from_half(half);
    let digits = (0..6).map(|digits| format!("{number:.digits$e}"));
    let read = digits.filter_map(|text| text.parse::<f64>().ok()).find(|read| to_half(*read) == half);
    super::show::floating(&format!("{:?}", read.unwrap_or(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every half goes through a double and back.
    #[test]
    fn halves_are_doubles() {
        for half in 0..=u16::MAX {
            let number = from_half(half);
            assert!(number.is_nan() || to_half(number) == half, "{half:#x} is {number}");
        }
    }

    /// IEEE 754's numbers: 1 + 2^-10 is the second after 1; 65504 the last; half of the least is a tie, and even is 0.
    #[test]
    fn numbers_between_are_rounded_to_even() {
        let cases = [
            (1.0, 0x3c00),
            (1.0 + 1.0 / 1024.0, 0x3c01),
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
            (65504.0, 0x7bff),
            (65519.0, 0x7bff),
            (65520.0, 0x7c00),
            (2f64.powi(-24), 1),
            (2f64.powi(-25), 0),
            (1.5 * 2f64.powi(-25), 1),
            (-2.0, 0xc000),
            (f64::MAX, 0x7c00),
        ];
        for (number, half) in cases {
            assert_eq!(to_half(number), half, "{number}");
        }
    }
}
