//! The x87's 80 bits: 64 of significand with an explicit integer bit, 15 of exponent, the sign (Intel SDM volume 1, 4.2.2).

use super::number::{Kind, Number, low_bits};

pub(super) const BYTES: usize = 10;

const BIAS: i32 = 16383;
const INTEGER_BIT: u64 = 1 << 63;
const LARGEST: i32 = 0x7fff;

pub(super) fn decode(bytes: [u8; BYTES]) -> Number {
    let (significand, word) = bytes.split_at(8);
    let significand = u64::from_le_bytes(significand.try_into().unwrap_or_default());
    let word = u16::from_le_bytes(word.try_into().unwrap_or_default());
    let kind = match i32::from(word & 0x7fff) {
        LARGEST if significand << 1 == 0 => Kind::Infinite,
        LARGEST => Kind::Nan(u128::from(significand << 1) << 64),
        // Without an integer bit there are fewer digits: no processor since the 387 makes such numbers, but bytes may.
        exponent => Kind::Finite { significand: significand.into(), power: exponent.max(1) - BIAS - 63 },
    };
    Number { negative: word & 0x8000 != 0, kind }
}

/// Exact for what an f64 holds.
pub(super) fn encode(number: Number) -> [u8; BYTES] {
    let (significand, exponent) = match number.kind {
        Kind::Finite { significand: 0, .. } => (0, 0),
        Kind::Finite { significand, power } => {
            let significand = low_bits(significand);
            let shift = significand.leading_zeros();
            (significand << shift, power - shift.cast_signed() + 63 + BIAS)
        }
        Kind::Infinite => (INTEGER_BIT, LARGEST),
        Kind::Nan(fraction) => (INTEGER_BIT | low_bits(fraction >> 65), LARGEST),
    };
    let word = u16::try_from(exponent).unwrap_or_default() | u16::from(number.negative) << 15;
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&significand.to_le_bytes());
    bytes[8..].copy_from_slice(&word.to_le_bytes());
    bytes
}
