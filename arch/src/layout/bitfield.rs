//! Where bit-fields go: GCC's rule and Microsoft's.

/// How bit-fields share storage units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitFieldRule {
    /// GCC on System V: a bit-field may share bytes with whatever precedes it, but not straddle a unit of its own type.
    Gnu,
    /// Microsoft's: neighbours share a unit only when their types have one size.
    Msvc,
}
