//! What the binary formats of IEEE 754 and the x87's hold, between one and the other.

/// Bits of an f64's fraction.
const FRACTION: u32 = 52;
/// The power of two that an f64's last bit is never below.
const LOWEST: i32 = -1074;

/// A number without its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `significand × 2^power`.
    Finite {
        significand: u128,
        power: i32,
    },
    Infinite,
    /// The fraction, its first bit at the top.
    Nan(u128),
}

/// What makes a NaN a quiet one.
const QUIET: u128 = 1 << 127;

impl Number {
    /// A NaN becomes quiet, as where C converts.
    pub(super) fn of_f64(value: f64) -> Number {
        let bits = value.to_bits();
        let fraction = bits & ((1 << FRACTION) - 1);
        let kind = match (i32::try_from(bits >> FRACTION & 0x7ff).unwrap_or_default(), fraction) {
            (0x7ff, 0) => Kind::Infinite,
            (0x7ff, _) => Kind::Nan(QUIET | u128::from(fraction) << (128 - FRACTION)),
            (0, _) => Kind::Finite { significand: fraction.into(), power: LOWEST },
            (exponent, _) => {
                let significand = (1 << FRACTION | fraction).into();
                Kind::Finite { significand, power: exponent - 1 + LOWEST }
            }
        };
        Number { negative: value.is_sign_negative(), kind }
    }

    /// Rounded to the nearest, ties to even; a NaN becomes quiet.
    pub(super) fn to_f64(self) -> f64 {
        let magnitude = match self.kind {
            Kind::Finite { significand, power } => rounded(significand, power),
            Kind::Infinite => f64::INFINITY.to_bits(),
            Kind::Nan(fraction) => f64::INFINITY.to_bits() | low_bits((QUIET | fraction) >> (128 - FRACTION)),
        };
        f64::from_bits(magnitude | u64::from(self.negative) << 63)
    }
}

/// The bits of the f64 nearest to `significand × 2^power`.
fn rounded(significand: u128, power: i32) -> u64 {
    if significand == 0 {
        return 0;
    }
    let top = power + 127 - significand.leading_zeros().cast_signed();
    if top > 1023 {
        return f64::INFINITY.to_bits();
    }
    // What the last bit counts.
    let last = (top - FRACTION.cast_signed()).max(LOWEST);
    let bits = round_off(significand, last - power);
    // Its leading one, where it has one, counts as the exponent's lowest bit; so does one that rounding carries into.
    let exponent = u64::from((last - LOWEST).unsigned_abs());
    (exponent << FRACTION) + low_bits(bits)
}

/// `value / 2^drop`, to the nearest, ties to even.
fn round_off(value: u128, drop: i32) -> u128 {
    match drop {
        ..=0 => value << drop.unsigned_abs(),
        1..=128 => {
            let half = 1 << (drop - 1);
            let whole = value.checked_shr(drop.unsigned_abs()).unwrap_or(0);
            // All below the last bit that is kept.
            let rest = value & (half | (half - 1));
            whole + u128::from(rest > half || (rest == half && whole & 1 == 1))
        }
        129.. => 0,
    }
}

/// Of what has no more than 64 bits.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn low_bits(value: u128) -> u64 {
    value as u64
}
