//! Integer constants as C spells them, with a sign before them.

use super::text;
use callsmith::Value;
use callsmith::host;

/// An integer constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Constant {
    negative: bool,
    magnitude: u128,
    /// Whether only signed types are tried for it: it is decimal (C11 6.4.4.1p5).
    decimal: bool,
    unsigned: bool,
    /// `L` or `LL`, the type's least size in bits.
    least_bits: u32,
}

/// The integer that `text` spells: `42`, `-0x2aUL`, `052`, `0b101010`, `'*'`; `None` where it spells none.
pub(super) fn integer(text: &str) -> Option<Constant> {
    let (negative, unsigned_text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if let Some(value) = text::character(unsigned_text) {
        let constant =
            Constant { negative, magnitude: value.into(), decimal: true, unsigned: false, least_bits: 32 };
        return Some(constant);
    }
    let lower = unsigned_text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with("0") {
        (8, &lower[..])
    } else {
        (10, &lower[..])
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let (unsigned, least_bits) = suffix_of(suffix)?;
    // `from_str_radix` would take a sign of its own; there is none among digits.
    let magnitude = u128::from_str_radix(digits, radix).ok()?;
    Some(Constant { negative, magnitude, decimal: radix == 10, unsigned, least_bits })
}

fn suffix_of(suffix: &str) -> Option<(bool, u32)> {
    let long = u32::try_from(host::MODEL.long.bytes() * 8).ok()?;
    match suffix {
        "" => Some((false, 32)),
        "u" => Some((true, 32)),
        "l" => Some((false, long)),
        "ul" | "lu" => Some((true, long)),
        "ll" => Some((false, 64)),
        "ull" | "llu" => Some((true, 64)),
        _ => None,
    }
}

impl Constant {
    /// Its value, in the smallest of our types that holds it: what a parameter of any type is converted from.
    pub(super) fn value(self) -> Option<Value> {
        [(32, true), (64, true), (64, false), (128, true), (128, false)]
            .into_iter()
            .find_map(|(bits, signed)| self.fit(bits, signed))
    }

    /// Its value in the type that C gives the constant, the sign counted in; where `long long` is too small, `__int128`.
    pub(super) fn typed_value(self) -> Option<Value> {
        [32, 64, 128].into_iter().filter(|bits| *bits >= self.least_bits).find_map(|bits| {
            let signed = if self.unsigned { None } else { self.fit(bits, true) };
            let unsigned = if self.unsigned || !self.decimal { self.fit(bits, false) } else { None };
            signed.or(unsigned)
        })
    }

    fn fit(self, bits: u32, signed: bool) -> Option<Value> {
        macro_rules! fit {
            ($rust:ty) => {
                self.signed().map_or_else(
                    || <$rust>::try_from(self.magnitude).ok(),
                    |value| <$rust>::try_from(value).ok(),
                )
            };
        }
        match (bits, signed) {
            (32, true) => fit!(i32).map(Value::from),
            (32, false) => fit!(u32).map(Value::from),
            (64, true) => fit!(i64).map(Value::from),
            (64, false) => fit!(u64).map(Value::from),
            (_, true) => self.signed().map(Value::from),
            (_, false) => (!self.negative).then_some(self.magnitude.into()),
        }
    }

    /// Its value, where an `i128` holds it.
    fn signed(self) -> Option<i128> {
        if self.negative {
            0i128.checked_sub_unsigned(self.magnitude)
        } else {
            i128::try_from(self.magnitude).ok()
        }
    }

    /// Whether strtod reads it as the same number: it is no octal, say.
    pub(super) fn is_decimal(self) -> bool {
        self.decimal
    }
}
