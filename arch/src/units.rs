//! Sizes and alignments as checked newtypes, so that neither can be mistaken for the other or overflow unseen.

use core::fmt;

/// A number of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// No bytes.
    pub const ZERO: Size = Size(0);
    /// The largest object C can have here: `PTRDIFF_MAX` bytes of a 64-bit address space.
    pub const MAX: Size = Size(i64::MAX as u64);

    /// `bytes` bytes. Constants only: sizes that come from a user go through [`Size::new`].
    pub const fn of(bytes: u32) -> Size {
        Size(bytes as u64)
    }

    /// `bytes` bytes, or `None` beyond [`Size::MAX`].
    pub const fn new(bytes: u64) -> Option<Size> {
        if bytes <= Size::MAX.0 { Some(Size(bytes)) } else { None }
    }

    /// This size in bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// This size in bits, or `None` where that does not fit 64 bits.
    pub const fn bits(self) -> Option<u64> {
        self.0.checked_mul(8)
    }

    /// The sum, or `None` beyond [`Size::MAX`].
    pub const fn checked_add(self, other: Size) -> Option<Size> {
        Size::new(self.0 + other.0)
    }

    /// `count` times this size, or `None` beyond [`Size::MAX`].
    pub const fn checked_mul(self, count: u64) -> Option<Size> {
        match self.0.checked_mul(count) {
            Some(bytes) => Size::new(bytes),
            None => None,
        }
    }

    /// The least multiple of `align` that is not below this size, or `None` beyond [`Size::MAX`].
    pub const fn align_to(self, align: Align) -> Option<Size> {
        let mask = align.bytes() - 1;
        Size::new((self.0 + mask) & !mask)
    }

    /// Whether this offset is a multiple of `align`.
    pub const fn is_aligned(self, align: Align) -> bool {
        self.0 & (align.bytes() - 1) == 0
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An alignment: a power of two, in bytes, at most 2^28 (what object files and compilers accept).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Align(u8);

impl Align {
    /// One byte: no requirement.
    pub const ONE: Align = Align(0);
    /// The largest alignment that compilers accept.
    pub const MAX: Align = Align(28);

    /// The alignment of `bytes` bytes, for constants; values that come from a user go through [`Align::new`].
    ///
    /// # Panics
    /// Where that is no power of two; in a constant, when it is compiled.
    pub const fn of(bytes: u64) -> Align {
        match Align::new(bytes) {
            Some(align) => align,
            None => panic!("not an alignment"),
        }
    }

    /// The alignment of `bytes` bytes, or `None` where that is no power of two or beyond [`Align::MAX`].
    pub const fn new(bytes: u64) -> Option<Align> {
        if !bytes.is_power_of_two() || bytes > 1 << Align::MAX.0 {
            return None;
        }
        // At most 28, see above.
        #[allow(clippy::cast_possible_truncation)]
        Some(Align(bytes.trailing_zeros() as u8))
    }

    /// This alignment in bytes.
    pub const fn bytes(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Debug for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "align {}", self.bytes())
    }
}

impl fmt::Display for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.bytes(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_do_not_overflow() {
        assert_eq!(Size::MAX.checked_add(Size::of(1)), None);
        assert_eq!(Size::MAX.checked_mul(2), None);
        assert_eq!(Size::MAX.align_to(Align::of(16)), None);
        assert_eq!(Size::of(17).align_to(Align::of(16)), Some(Size::of(32)));
        assert_eq!(Size::new(u64::MAX), None);
    }

    #[test]
    fn alignments_are_powers_of_two() {
        assert_eq!(Align::new(0), None);
        assert_eq!(Align::new(3), None);
        assert_eq!(Align::new(1 << 29), None);
        assert_eq!(Align::new(64).map(Align::bytes), Some(64));
    }
}
