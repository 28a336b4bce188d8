//! Registers and memory operands.

/// A general-purpose register, `x0` to `x30`: the discriminant is the number that instructions carry. Number 31 is none:
/// it means the stack pointer in some instructions and zero in others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
#[rustfmt::skip]
pub enum Gp {
    X0 = 0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15,
    X16, X17, X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30,
}

/// A vector register, `v0` to `v31`: as a scalar `h`, `s`, `d` or `q` by the instruction that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vector(u8);

/// A general-purpose register or the stack pointer, where an instruction takes either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Base(u8);

/// A memory operand: the bytes from `base + disp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// The register that holds the address.
    pub base: Base,
    /// Bytes from there.
    pub disp: u32,
}

impl Gp {
    /// All of them, by number.
    #[rustfmt::skip]
    pub const ALL: [Gp; 31] = [
        Gp::X0, Gp::X1, Gp::X2, Gp::X3, Gp::X4, Gp::X5, Gp::X6, Gp::X7, Gp::X8, Gp::X9, Gp::X10, Gp::X11, Gp::X12,
        Gp::X13, Gp::X14, Gp::X15, Gp::X16, Gp::X17, Gp::X18, Gp::X19, Gp::X20, Gp::X21, Gp::X22, Gp::X23, Gp::X24,
        Gp::X25, Gp::X26, Gp::X27, Gp::X28, Gp::X29, Gp::X30,
    ];

    /// The argument register with this number: for numbers from a plan, which are 0 to 8.
    pub const fn from_low_bits(number: u8) -> Gp {
        Gp::ALL[(number & 15) as usize]
    }

    /// The number that instructions carry, 0 to 30.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Vector {
    /// The register whose number these low 5 bits are.
    pub const fn from_low_bits(number: u8) -> Vector {
        Vector(number & 31)
    }

    /// The number that instructions carry, 0 to 31.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Base {
    /// The stack pointer.
    pub const SP: Base = Base(31);

    /// The number that instructions carry, 0 to 31.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl From<Gp> for Base {
    fn from(register: Gp) -> Base {
        Base(register.number())
    }
}

impl From<Gp> for u8 {
    fn from(register: Gp) -> u8 {
        register.number()
    }
}

impl From<Vector> for u8 {
    fn from(register: Vector) -> u8 {
        register.number()
    }
}

impl From<Base> for u8 {
    fn from(register: Base) -> u8 {
        register.number()
    }
}

impl Mem {
    /// The bytes from `base + disp`.
    pub fn at(base: impl Into<Base>, disp: u32) -> Mem {
        Mem { base: base.into(), disp }
    }

    /// The bytes `bytes` further on.
    #[must_use]
    pub fn after(self, bytes: u32) -> Mem {
        // A plan keeps both below 2^31.
        Mem { disp: self.disp.wrapping_add(bytes), ..self }
    }
}
