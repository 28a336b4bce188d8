//! `long double` in the formats that Rust has no type for.

#[cfg(any(test, target_arch = "aarch64"))]
mod binary128;
mod number;
#[cfg(any(test, not(target_arch = "aarch64")))]
mod x87;

use crate::host;
#[cfg(target_arch = "aarch64")]
use binary128 as format;
use callsmith_arch::layout::Float;
use number::Number;
use std::fmt;
#[cfg(not(target_arch = "aarch64"))]
use x87 as format;

/// A C `long double` where that is no `double`: an x87 80-bit number in its 16 bytes of memory, or 12 on 32-bit x86, the
/// rest being padding; on AArch64, IEEE 754's binary128.
#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "x86", repr(C, align(4)))]
#[cfg_attr(not(target_arch = "x86"), repr(C, align(16)))]
pub struct LongDouble([u8; BYTES]);

const BYTES: usize = if cfg!(target_arch = "x86") { 12 } else { 16 };

impl LongDouble {
    /// How many bytes it has without padding: 10 of the x87's format, 16 of binary128.
    pub const SIGNIFICANT: usize = format::BYTES;

    /// Its format: that of this process's `long double`, or the x87's where that is no more than a `double`.
    pub const FORMAT: Float = match host::MODEL.long_double {
        Float::F128 => Float::F128,
        Float::F16 | Float::F32 | Float::F64 | Float::X87 => Float::X87,
    };

    /// The number in these bytes of memory, little-endian.
    pub fn from_bytes(bytes: [u8; LongDouble::SIGNIFICANT]) -> LongDouble {
        let mut all = [0; BYTES];
        all[..LongDouble::SIGNIFICANT].copy_from_slice(&bytes);
        LongDouble(all)
    }

    /// Its significant bytes, little-endian.
    pub fn to_bytes(self) -> [u8; LongDouble::SIGNIFICANT] {
        let mut bytes = [0; LongDouble::SIGNIFICANT];
        bytes.copy_from_slice(&self.0[..LongDouble::SIGNIFICANT]);
        bytes
    }
}

impl From<f64> for LongDouble {
    /// Exact, as C converts.
    fn from(value: f64) -> LongDouble {
        LongDouble::from_bytes(format::encode(Number::of_f64(value)))
    }
}

impl From<LongDouble> for f64 {
    /// Rounded to the nearest, ties to even.
    fn from(value: LongDouble) -> f64 {
        format::decode(value.to_bytes()).to_f64()
    }
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
mod tests;
