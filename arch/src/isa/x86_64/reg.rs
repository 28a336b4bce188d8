//! Registers and memory operands.

/// A general-purpose register, in the manual's order: the discriminant is the number that instructions carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Gp {
    Rax = 0,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
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
    Xmm8,
    Xmm9,
    Xmm10,
    Xmm11,
    Xmm12,
    Xmm13,
    Xmm14,
    Xmm15,
}

/// Each general-purpose register's names for 8, 4, 2 and 1 bytes.
const GP_NAMES: [[&str; 4]; 16] = [
    ["rax", "eax", "ax", "al"],
    ["rcx", "ecx", "cx", "cl"],
    ["rdx", "edx", "dx", "dl"],
    ["rbx", "ebx", "bx", "bl"],
    ["rsp", "esp", "sp", "spl"],
    ["rbp", "ebp", "bp", "bpl"],
    ["rsi", "esi", "si", "sil"],
    ["rdi", "edi", "di", "dil"],
    ["r8", "r8d", "r8w", "r8b"],
    ["r9", "r9d", "r9w", "r9b"],
    ["r10", "r10d", "r10w", "r10b"],
    ["r11", "r11d", "r11w", "r11b"],
    ["r12", "r12d", "r12w", "r12b"],
    ["r13", "r13d", "r13w", "r13b"],
    ["r14", "r14d", "r14w", "r14b"],
    ["r15", "r15d", "r15w", "r15b"],
];

/// Each vector register's names for 16, 32 and 64 bytes.
const VECTOR_NAMES: [[&str; 3]; 16] = [
    ["xmm0", "ymm0", "zmm0"],
    ["xmm1", "ymm1", "zmm1"],
    ["xmm2", "ymm2", "zmm2"],
    ["xmm3", "ymm3", "zmm3"],
    ["xmm4", "ymm4", "zmm4"],
    ["xmm5", "ymm5", "zmm5"],
    ["xmm6", "ymm6", "zmm6"],
    ["xmm7", "ymm7", "zmm7"],
    ["xmm8", "ymm8", "zmm8"],
    ["xmm9", "ymm9", "zmm9"],
    ["xmm10", "ymm10", "zmm10"],
    ["xmm11", "ymm11", "zmm11"],
    ["xmm12", "ymm12", "zmm12"],
    ["xmm13", "ymm13", "zmm13"],
    ["xmm14", "ymm14", "zmm14"],
    ["xmm15", "ymm15", "zmm15"],
];

impl Gp {
    /// All of them, by number.
    #[rustfmt::skip]
    pub const ALL: [Gp; 16] = [
        Gp::Rax, Gp::Rcx, Gp::Rdx, Gp::Rbx, Gp::Rsp, Gp::Rbp, Gp::Rsi, Gp::Rdi,
        Gp::R8, Gp::R9, Gp::R10, Gp::R11, Gp::R12, Gp::R13, Gp::R14, Gp::R15,
    ];

    /// The register with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Gp> {
        if number < 16 { Some(Gp::ALL[number as usize]) } else { None }
    }

    /// The register whose number these low 4 bits are: for numbers from a plan, which are registers of its own ABI.
    pub const fn from_low_bits(number: u8) -> Gp {
        Gp::ALL[(number & 15) as usize]
    }

    /// The number that instructions carry, 0 to 15.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name as the narrowest register that holds `width` bytes: `rdi`, `edi`, `di`, `dil`.
    pub const fn name(self, width: u32) -> &'static str {
        let column = match width {
            0 | 1 => 3,
            2 => 2,
            3 | 4 => 1,
            5.. => 0,
        };
        GP_NAMES[self as usize][column]
    }
}

impl Xmm {
    /// All of them, by number.
    #[rustfmt::skip]
    pub const ALL: [Xmm; 16] = [
        Xmm::Xmm0, Xmm::Xmm1, Xmm::Xmm2, Xmm::Xmm3, Xmm::Xmm4, Xmm::Xmm5, Xmm::Xmm6, Xmm::Xmm7,
        Xmm::Xmm8, Xmm::Xmm9, Xmm::Xmm10, Xmm::Xmm11, Xmm::Xmm12, Xmm::Xmm13, Xmm::Xmm14, Xmm::Xmm15,
    ];

    /// The register with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Xmm> {
        if number < 16 { Some(Xmm::ALL[number as usize]) } else { None }
    }

    /// The register whose number these low 4 bits are: for numbers from a plan, which are registers of its own ABI.
    pub const fn from_low_bits(number: u8) -> Xmm {
        Xmm::ALL[(number & 15) as usize]
    }

    /// The number that instructions carry, 0 to 15.
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
