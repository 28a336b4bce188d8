//! Registers and memory operands.

/// A general-purpose register, in the manual's order: the discriminant is the number that instructions carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Gp {
    Eax = 0,
    Ecx,
    Edx,
    Ebx,
    Esp,
    Ebp,
    Esi,
    Edi,
}

/// A general-purpose register whose lowest byte has a name: without REX there are four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Low {
    Al = 0,
    Cl,
    Dl,
    Bl,
}

/// A vector register: XMM, YMM or ZMM by the instruction that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Xmm {
    Xmm0 = 0,
    Xmm1,
    Xmm2,
    Xmm3,
    Xmm4,
    Xmm5,
    Xmm6,
    Xmm7,
}

/// A register of MMX, which is a part of one of the x87's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Mm {
    Mm0 = 0,
    Mm1,
    Mm2,
    Mm3,
    Mm4,
    Mm5,
    Mm6,
    Mm7,
}

/// Each general-purpose register's names for 4, 2 and 1 bytes; the last four have none for one byte.
const GP_NAMES: [[&str; 3]; 8] = [
    ["eax", "ax", "al"],
    ["ecx", "cx", "cl"],
    ["edx", "dx", "dl"],
    ["ebx", "bx", "bl"],
    ["esp", "sp", "sp"],
    ["ebp", "bp", "bp"],
    ["esi", "si", "si"],
    ["edi", "di", "di"],
];

/// Each vector register's names for 16, 32 and 64 bytes.
const VECTOR_NAMES: [[&str; 3]; 8] = [
    ["xmm0", "ymm0", "zmm0"],
    ["xmm1", "ymm1", "zmm1"],
    ["xmm2", "ymm2", "zmm2"],
    ["xmm3", "ymm3", "zmm3"],
    ["xmm4", "ymm4", "zmm4"],
    ["xmm5", "ymm5", "zmm5"],
    ["xmm6", "ymm6", "zmm6"],
    ["xmm7", "ymm7", "zmm7"],
];

impl Gp {
    /// All of them, by number.
    pub const ALL: [Gp; 8] = [Gp::Eax, Gp::Ecx, Gp::Edx, Gp::Ebx, Gp::Esp, Gp::Ebp, Gp::Esi, Gp::Edi];

    /// The register with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Gp> {
        if number < 8 { Some(Gp::ALL[number as usize]) } else { None }
    }

    /// The register whose number these low 3 bits are: for numbers from a plan, which are registers of its own ABI.
    pub const fn from_low_bits(number: u8) -> Gp {
        Gp::ALL[(number & 7) as usize]
    }

    /// The number that instructions carry, 0 to 7.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name as the narrowest register that holds `width` bytes: `ecx`, `cx`, `cl`.
    pub const fn name(self, width: u32) -> &'static str {
        let column = match width {
            0 | 1 => 2,
            2 => 1,
            3.. => 0,
        };
        GP_NAMES[self as usize][column]
    }
}

impl Low {
    /// All of them, by number.
    pub const ALL: [Low; 4] = [Low::Al, Low::Cl, Low::Dl, Low::Bl];
}

impl Mm {
    /// All of them, by number.
    pub const ALL: [Mm; 8] = [Mm::Mm0, Mm::Mm1, Mm::Mm2, Mm::Mm3, Mm::Mm4, Mm::Mm5, Mm::Mm6, Mm::Mm7];

    /// The register whose number these low 3 bits are: for numbers from a plan, which are registers of its own ABI.
    pub const fn from_low_bits(number: u8) -> Mm {
        Mm::ALL[(number & 7) as usize]
    }
}

impl Xmm {
    /// All of them, by number.
    pub const ALL: [Xmm; 8] =
        [Xmm::Xmm0, Xmm::Xmm1, Xmm::Xmm2, Xmm::Xmm3, Xmm::Xmm4, Xmm::Xmm5, Xmm::Xmm6, Xmm::Xmm7];

    /// The register with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Xmm> {
        if number < 8 { Some(Xmm::ALL[number as usize]) } else { None }
    }

    /// The register whose number these low 3 bits are: for numbers from a plan, which are registers of its own ABI.
    pub const fn from_low_bits(number: u8) -> Xmm {
        Xmm::ALL[(number & 7) as usize]
    }

    /// The number that instructions carry, 0 to 7.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name as the narrowest register that holds `width` bytes: `xmm0`, `ymm0`, `zmm0`.
    pub const fn name(self, width: u32) -> &'static str {
        let column = match width {
            0..=16 => 0,
            17..=32 => 1,
            33.. => 2,
        };
        VECTOR_NAMES[self as usize][column]
    }
}

impl From<Gp> for u8 {
    fn from(register: Gp) -> u8 {
        register.number()
    }
}

impl From<Low> for u8 {
    fn from(register: Low) -> u8 {
        register as u8
    }
}

impl From<Mm> for u8 {
    fn from(register: Mm) -> u8 {
        register as u8
    }
}

impl From<Xmm> for u8 {
    fn from(register: Xmm) -> u8 {
        register.number()
    }
}

/// A memory operand: the bytes from `base + disp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// The register that holds the address.
    pub base: Gp,
    /// Bytes from there.
    pub disp: i32,
}

impl Mem {
    /// The bytes from `base + disp`.
    pub const fn at(base: Gp, disp: i32) -> Mem {
        Mem { base, disp }
    }
}
