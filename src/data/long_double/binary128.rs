//! IEEE 754's binary128: 112 bits of fraction, 15 of exponent, the sign (IEEE 754-2019, 3.4).

use super::number::{Kind, Number};

pub(super) const BYTES: usize = 16;

const BIAS: i32 = 16383;
const FRACTION: u32 = 112;
const FRACTION_BITS: u128 = (1 << FRACTION) - 1;
const LARGEST: i32 = 0x7fff;

pub(super) fn decode(bytes: [u8; BYTES]) -> Number {
    let bits = u128::from_le_bytes(bytes);
    let fraction = bits & FRACTION_BITS;
    let power = |exponent: i32| exponent - BIAS - FRACTION.cast_signed();
    let kind = match (i32::try_from(bits >> FRACTION & 0x7fff).unwrap_or_default(), fraction) {
        (LARGEST, 0) => Kind::Infinite,
        (LARGEST, _) => Kind::Nan(fraction << (128 - FRACTION)),
        (0, _) => Kind::Finite { significand: fraction, power: power(1) },
        (exponent, _) => Kind::Finite { significand: 1 << FRACTION | fraction, power: power(exponent) },
    };
    Number { negative: bits >> 127 == 1, kind }
}

/// Exact for what an f64 holds.
pub(super) fn encode(number: Number) -> [u8; BYTES] {
    let (fraction, exponent) = match number.kind {
        Kind::Finite { significand: 0, .. } => (0, 0),
        Kind::Finite { significand, power } => {
            // The leading one goes to where it is not written.
            let shift = significand.leading_zeros() - (127 - FRACTION);
            (
                significand << shift & FRACTION_BITS,
                power - shift.cast_signed() + FRACTION.cast_signed() + BIAS,
            )
        }
        Kind::Infinite => (0, LARGEST),
        Kind::Nan(fraction) => (fraction >> (128 - FRACTION), LARGEST),
    };
    let exponent = u128::from(exponent.unsigned_abs()) << FRACTION;
    (u128::from(number.negative) << 127 | exponent | fraction).to_le_bytes()
}
