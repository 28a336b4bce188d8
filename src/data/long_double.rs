//! `long double` in the x87's format, which Rust has no type for.

use std::fmt;

/// An x87 80-bit number in its 16 bytes of memory, or 12 on 32-bit x86: 64 bits of significand with an explicit integer bit,
/// 15 bits of exponent, the sign; then padding. (Intel SDM volume 1, 4.2.2.)
#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "x86", repr(C, align(4)))]
#[cfg_attr(not(target_arch = "x86"), repr(C, align(16)))]
pub struct LongDouble([u8; BYTES]);

const BYTES: usize = if cfg!(target_arch = "x86") { 12 } else { 16 };

const BIAS: i32 = 16383;
const BIAS64: i32 = 1023;

impl LongDouble {
    /// The number whose significand and sign-and-exponent word these are.
    pub const fn from_parts(significand: u64, sign_exponent: u16) -> LongDouble {
        let (low, high) = (significand.to_le_bytes(), sign_exponent.to_le_bytes());
        let mut bytes = [0; BYTES];
        let mut i = 0;
        while i < 8 {
            bytes[i] = low[i];
            i += 1;
        }
        bytes[8] = high[0];
        bytes[9] = high[1];
        LongDouble(bytes)
    }

    /// The number in these 10 bytes of memory, little-endian.
    pub fn from_bytes(bytes: [u8; 10]) -> LongDouble {
        let mut all = [0; BYTES];
        all[..10].copy_from_slice(&bytes);
        LongDouble(all)
    }

    /// Its 10 significant bytes, little-endian.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&self.0[..10]);
        bytes
    }

    fn significand(self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().unwrap_or_default())
    }

    fn sign_exponent(self) -> u16 {
        u16::from_le_bytes([self.0[8], self.0[9]])
    }
}

impl From<f64> for LongDouble {
    /// Exact: every `f64` is an x87 number.
    fn from(value: f64) -> LongDouble {
        let bits = value.to_bits();
        // 16 bits are left of the shift.
        #[allow(clippy::cast_possible_truncation)]
        let sign = ((bits >> 48) as u16) & 0x8000;
        let fraction = bits & ((1 << 52) - 1);
        let biased = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
        let (significand, exponent) = match (biased, fraction) {
            (0, 0) => (0, 0),
            // Subnormal in binary64, normal here: the leading one moves to the top.
            (0, _) => {
                let shift = fraction.leading_zeros();
                (fraction << shift, BIAS - BIAS64 + 1 + 11 - shift.cast_signed())
            }
            (0x7ff, _) => (1 << 63 | fraction << 11, 0x7fff),
            (_, _) => (1 << 63 | fraction << 11, biased - BIAS64 + BIAS),
        };
        LongDouble::from_parts(significand, sign | u16::try_from(exponent).unwrap_or_default())
    }
}

impl From<LongDouble> for f64 {
    /// Rounded to the nearest, ties to even.
    fn from(value: LongDouble) -> f64 {
        let word = value.sign_exponent();
        let sign = if word & 0x8000 == 0 { 1.0 } else { -1.0 };
        let exponent = i32::from(word & 0x7fff);
        let significand = value.significand();
        if exponent == 0x7fff {
            return if significand << 1 == 0 { sign * f64::INFINITY } else { f64::NAN };
        }
        // The significand keeps 53 bits, fewer below binary64's normal range; one rounding, to nearest even.
        let power = exponent - BIAS - 63;
        let top = 64 - significand.leading_zeros().cast_signed();
        // Without an integer bit there are fewer to keep: no processor since the 387 makes such numbers, but bytes may.
        let keep = 53.min(top).min(top + power + 1074);
        if significand == 0 || keep < 0 {
            return sign * 0.0;
        }
        let drop = (top - keep).cast_unsigned();
        let rounded = round_off(significand, drop);
        // Two exact steps keep the scale factor itself in range.
        let scale = power + drop.cast_signed();
        let half = scale / 2;
        sign * (rounded as f64) * power_of_two(half) * power_of_two(scale - half)
    }
}

/// `2^exponent`, exactly, which `powi` does not promise; 0 or infinite where that is out of range.
fn power_of_two(exponent: i32) -> f64 {
    let bits = match exponent {
        1024.. => return f64::INFINITY,
        -1022..1024 => u64::from((exponent + BIAS64).unsigned_abs()) << 52,
        -1074..-1022 => 1 << (exponent + 1074),
        ..-1074 => 0,
    };
    f64::from_bits(bits)
}

/// `value / 2^drop`, to the nearest, ties to even.
fn round_off(value: u64, drop: u32) -> u64 {
    if drop == 0 {
        return value;
    }
    let whole = value.checked_shr(drop).unwrap_or(0);
    let rest = if drop >= 64 { u128::from(value) } else { u128::from(value) & ((1 << drop) - 1) };
    let half = 1u128 << (drop - 1);
    if rest > half || (rest == half && whole & 1 == 1) { whole + 1 } else { whole }
}

impl PartialEq for LongDouble {
    fn eq(&self, other: &LongDouble) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f64::from(*self), f)
    }
}

impl fmt::Display for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&f64::from(*self), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_survive_the_round_trip() {
        let numbers = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            std::f64::consts::PI,
            1e308,
            -1e-308,
            f64::MIN_POSITIVE,
            5e-324,
            2.5e-323,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        for x in numbers {
            assert_eq!(f64::from(LongDouble::from(x)).to_bits(), x.to_bits(), "{x}");
        }
        assert!(f64::from(LongDouble::from(f64::NAN)).is_nan());
    }

    /// Intel SDM volume 1, table 4-3 and figure 4-3: one is 3FFF, integer bit set.
    #[test]
    fn one_is_as_the_manual_has_it() {
        assert_eq!(LongDouble::from(1.0), LongDouble::from_parts(1 << 63, 0x3fff));
        assert_eq!(LongDouble::from(-2.0), LongDouble::from_parts(1 << 63, 0xc000));
    }

    /// A significand whose integer bit is not set still is that number times its power of two.
    #[test]
    fn numbers_without_an_integer_bit_are_read() {
        assert_eq!(f64::from(LongDouble::from_parts(1, 0x4000)), 1.0 / (1u64 << 62) as f64);
        assert_eq!(f64::from(LongDouble::from_parts(3 << 60, 0x3fff)), 0.375);
        assert_eq!(f64::from(LongDouble::from_parts(1, 0x7ffe)), f64::INFINITY);
        assert_eq!(f64::from(LongDouble::from_parts(0, 0x7ffe)), 0.0);
    }

    #[test]
    fn rounding_goes_to_the_nearest_even() {
        let ulp_half = LongDouble::from_parts((1 << 63) | (1 << 10), 0x3fff);
        assert_eq!(f64::from(ulp_half), 1.0);
        let above_half = LongDouble::from_parts((1 << 63) | (1 << 10) | 1, 0x3fff);
        assert_eq!(f64::from(above_half), 1.0 + f64::EPSILON);
        let tie_to_even = LongDouble::from_parts((1 << 63) | (3 << 10), 0x3fff);
        assert_eq!(f64::from(tie_to_even), 1.0 + 2.0 * f64::EPSILON);
        assert_eq!(f64::from(LongDouble::from_parts(u64::MAX, 0x7ffe)), f64::INFINITY);
        assert_eq!(f64::from(LongDouble::from_parts(1 << 63, 1)), 0.0);
    }
}
