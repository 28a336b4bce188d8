//! The two ends in the assembly of x86-64.
#![allow(unsafe_code)]

use super::{STATE, known};
use crate::random::rng::Rng;
use callsmith::arch::interp::Image;
use callsmith::arch::plan::{Location, Move};
use callsmith::arch::{Abi, CallPlan};
use std::mem::offset_of;

/// The stack pointer's number.
pub(crate) const SP: usize = 4;
/// Bytes of a vector register that a callee keeps, where it keeps one.
pub(crate) const KEPT_VECTOR_BYTES: usize = 16;
/// The direction flag.
const DF: u64 = 1 << 10;
/// All registers of the x87 empty.
const X87_EMPTY: u32 = 0xffff;

/// Registers at one moment.
#[repr(C, align(64))]
pub(crate) struct Registers {
    /// As many bytes of each as the processor has.
    pub(crate) vectors: [[u8; 64]; 16],
    /// By hardware number.
    pub(crate) gp: [u64; 16],
    /// RFLAGS.
    pub(crate) flags: u64,
    /// The x87's state as FNSTENV stores it: control word, status word, tag word, each in 4 bytes.
    pub(crate) x87: [u32; 7],
    pub(crate) mxcsr: u32,
}

/// Everything that the two ends share with the test.
#[repr(C, align(64))]
pub(crate) struct State {
    /// What the caller enters the stub with. `gp[4]` is the stack pointer at its call instruction.
    pub(crate) enter: Registers,
    /// What the target saw on entry.
    pub(crate) seen: Registers,
    /// What the target returns with.
    pub(crate) give: Registers,
    /// What the caller saw afterwards.
    pub(crate) after: Registers,
    /// What the target leaves in st(0) and st(1).
    give_x87: [[u8; 16]; 2],
    /// How many of them.
    give_x87_count: u64,
    /// The stub.
    pub(crate) stub: u64,
    /// Where the target copies the bytes above its return address to.
    pub(crate) frame: u64,
    /// How many.
    pub(crate) frame_len: u64,
    /// Whether the target keeps rsi, rdi, and the low halves of xmm6 to xmm15, as Win64 wants it.
    keeps_more: u64,
    /// Bytes in a vector register: 16, 32 or 64.
    vector_bytes: u64,
    /// The stack pointer, MXCSR and x87 control word to go back to.
    back: u64,
    back_mxcsr: u32,
    back_control: u32,
}

impl Registers {
    /// Any value in every register; any mode that masks exceptions.
    pub(crate) fn fill(&mut self, rng: &mut Rng) {
        self.gp.fill_with(|| rng.next());
        for bytes in self.vectors.as_flattened_mut().chunks_exact_mut(8) {
            bytes.copy_from_slice(&rng.next().to_le_bytes());
        }
        // Rounding, flush to zero; the exceptions that happened.
        let any = u32::try_from(rng.below(1 << 32)).unwrap_or(0);
        self.mxcsr = 0x1f80 | any & 0xe07f;
        self.x87 = [0; 7];
        // Precision: 24, 53 or 64 bits; rounding.
        self.x87[0] = 0x7f | rng.pick(&[0, 0x200, 0x300]) | any >> 20 & 0xc00;
    }

    /// A register's bytes, as many as there can be.
    pub(crate) fn bytes(&self, location: Location) -> Vec<u8> {
        match location {
            Location::Gp(number) => self.gp[usize::from(number)].to_le_bytes().into(),
            Location::Vector(number) => self.vectors[usize::from(number)].into(),
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => Vec::new(),
        }
    }
}

impl State {
    /// What the target does beside what all do: the numbers that it leaves on the x87's stack, the registers that it keeps.
    pub(crate) fn prepare(&mut self, plan: &CallPlan, result: &[Move], rng: &mut Rng) {
        for register in &mut self.give_x87 {
            register.fill_with(|| rng.next().to_le_bytes()[0]);
        }
        let on_x87 = result.iter().filter(|piece| matches!(piece.location, Location::X87(_)));
        self.give_x87_count = on_x87.count() as u64;
        self.keeps_more = u64::from(plan.abi == Abi::Win64);
        self.vector_bytes = vector_bytes();
    }

    /// The registers of results, as the target leaves them.
    pub(crate) fn given(&self, given: &mut Image) {
        for location in [0, 2].map(Location::Gp).into_iter().chain([0, 1].map(Location::Vector)) {
            given.registers.insert(location, known(self.give.bytes(location)));
        }
        for (number, bytes) in (0..).zip(&self.give_x87) {
            given.registers.insert(Location::X87(number), known(bytes[..10].to_vec()));
        }
    }

    /// Whether the modes are those that the stub was entered with.
    pub(crate) fn check_modes(&self, when: &str, registers: &Registers) -> Result<(), String> {
        let (mxcsr, control) = (self.enter.mxcsr, self.enter.x87[0]);
        let [is, _, tags, ..] = registers.x87.map(|word| word & 0xffff);
        if (registers.mxcsr, is) != (mxcsr, control) {
            return Err(format!(
                "{when} MXCSR is {:#x}, was {mxcsr:#x}; x87 {is:#x}, was {control:#x}",
                registers.mxcsr
            ));
        }
        if tags != X87_EMPTY {
            return Err(format!("{when} the x87's stack is not empty: {tags:#x}"));
        }
        if registers.flags & DF != 0 {
            return Err(format!("{when} the direction flag is set"));
        }
        Ok(())
    }
}

/// How wide the vector registers are that processor and operating system offer.
pub(crate) fn vector_bytes() -> u64 {
    if std::arch::is_x86_feature_detected!("avx512f") {
        64
    } else if std::arch::is_x86_feature_detected!("avx") {
        32
    } else {
        16
    }
}

/// The target's address.
pub(crate) fn target() -> u64 {
    hostile_target as *const () as u64
}

/// Where execution goes on after a fault in the stub.
pub(crate) fn recovery() -> u64 {
    hostile_recover as *const () as u64
}

/// Has the interrupted execution go on at `address`. Gives where it was.
pub(crate) fn go_on_at(context: &mut libc::mcontext_t, address: u64) -> u64 {
    let ip = &mut context.gregs[usize::try_from(libc::REG_RIP).unwrap_or(0)];
    std::mem::replace(ip, address.cast_signed()).cast_unsigned()
}

unsafe extern "sysv64" {
    pub(super) fn hostile_enter();
    fn hostile_recover();
    fn hostile_target();
}

std::arch::global_asm!(
    // Every vector register to or from the state. No other register changes.
    r".macro hostile_vectors store, at",
    r"    cmp qword ptr [rip + {state} + {vector_bytes}], 32",
    r"    ja 3f",
    r"    je 2f",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    r"    .if \store",
    r"    movups xmmword ptr [rip + {state} + \at + {vectors} + 64*\n], xmm\n",
    r"    .else",
    r"    movups xmm\n, xmmword ptr [rip + {state} + \at + {vectors} + 64*\n]",
    r"    .endif",
    r"    .endr",
    r"    jmp 4f",
    r"2:  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    r"    .if \store",
    r"    vmovups ymmword ptr [rip + {state} + \at + {vectors} + 64*\n], ymm\n",
    r"    .else",
    r"    vmovups ymm\n, ymmword ptr [rip + {state} + \at + {vectors} + 64*\n]",
    r"    .endif",
    r"    .endr",
    r"    jmp 4f",
    r"3:  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    r"    .if \store",
    r"    vmovups zmmword ptr [rip + {state} + \at + {vectors} + 64*\n], zmm\n",
    r"    .else",
    r"    vmovups zmm\n, zmmword ptr [rip + {state} + \at + {vectors} + 64*\n]",
    r"    .endif",
    r"    .endr",
    r"4:",
    r".endm",
    // Every general register, rsp included, the flags, and the modes of both floating-point units, to the state.
    r".macro hostile_record at",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 0], rax",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 8], rcx",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 16], rdx",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 24], rbx",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 32], rsp",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 40], rbp",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 48], rsi",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 56], rdi",
    r"    .irp n,8,9,10,11,12,13,14,15",
    r"    mov qword ptr [rip + {state} + \at + {gp} + 8*\n], r\n",
    r"    .endr",
    r"    pushfq",
    r"    pop qword ptr [rip + {state} + \at + {flags}]",
    r"    cld",
    r"    stmxcsr dword ptr [rip + {state} + \at + {mxcsr}]",
    // It masks all exceptions, so the state is loaded again.
    r"    fnstenv [rip + {state} + \at + {x87}]",
    r"    fldenv [rip + {state} + \at + {x87}]",
    r"    hostile_vectors 1, \at",
    r".endm",
    // The registers that every convention lets a function spoil.
    r".macro hostile_volatile at",
    r"    mov rax, qword ptr [rip + {state} + \at + {gp} + 0]",
    r"    mov rcx, qword ptr [rip + {state} + \at + {gp} + 8]",
    r"    mov rdx, qword ptr [rip + {state} + \at + {gp} + 16]",
    r"    .irp n,8,9,10,11",
    r"    mov r\n, qword ptr [rip + {state} + \at + {gp} + 8*\n]",
    r"    .endr",
    r".endm",
    r".p2align 4",
    r".globl hostile_enter, hostile_recover, hostile_target",
    r"hostile_enter:",
    r"    push rbx",
    r"    push rbp",
    r"    push r12",
    r"    push r13",
    r"    push r14",
    r"    push r15",
    r"    stmxcsr dword ptr [rip + {state} + {back_mxcsr}]",
    r"    fnstcw word ptr [rip + {state} + {back_control}]",
    r"    mov qword ptr [rip + {state} + {back}], rsp",
    r"    ldmxcsr dword ptr [rip + {state} + {enter} + {mxcsr}]",
    r"    fldcw word ptr [rip + {state} + {enter} + {x87}]",
    r"    hostile_vectors 0, {enter}",
    r"    hostile_volatile {enter}",
    r"    mov rbx, qword ptr [rip + {state} + {enter} + {gp} + 24]",
    r"    mov rsp, qword ptr [rip + {state} + {enter} + {gp} + 32]",
    r"    mov rbp, qword ptr [rip + {state} + {enter} + {gp} + 40]",
    r"    mov rsi, qword ptr [rip + {state} + {enter} + {gp} + 48]",
    r"    mov rdi, qword ptr [rip + {state} + {enter} + {gp} + 56]",
    r"    .irp n,12,13,14,15",
    r"    mov r\n, qword ptr [rip + {state} + {enter} + {gp} + 8*\n]",
    r"    .endr",
    r"    call qword ptr [rip + {state} + {stub}]",
    r"    hostile_record {after}",
    r"hostile_recover:",
    r"    mov rsp, qword ptr [rip + {state} + {back}]",
    r"    cld",
    r"    cmp qword ptr [rip + {state} + {vector_bytes}], 16",
    r"    je 5f",
    r"    vzeroupper",
    r"5:  fninit",
    r"    fldcw word ptr [rip + {state} + {back_control}]",
    r"    ldmxcsr dword ptr [rip + {state} + {back_mxcsr}]",
    r"    pop r15",
    r"    pop r14",
    r"    pop r13",
    r"    pop r12",
    r"    pop rbp",
    r"    pop rbx",
    r"    ret",
    r".p2align 4",
    r"hostile_target:",
    r"    endbr64",
    r"    hostile_record {seen}",
    // The stack above the return address, to the test; then it is spoilt: it is the target's.
    r"    mov rcx, qword ptr [rip + {state} + {frame_len}]",
    r"    mov rdi, qword ptr [rip + {state} + {frame}]",
    r"    lea rsi, [rsp + 8]",
    r"    rep movsb",
    r"    mov rcx, qword ptr [rip + {state} + {frame_len}]",
    r"    lea rdi, [rsp + 8]",
    r"    mov al, 0xcc",
    r"    rep stosb",
    r"    mov rsi, qword ptr [rip + {state} + {give} + {gp} + 48]",
    r"    mov rdi, qword ptr [rip + {state} + {give} + {gp} + 56]",
    r"    cmp qword ptr [rip + {state} + {keeps_more}], 0",
    r"    je 5f",
    r"    mov rsi, qword ptr [rip + {state} + {seen} + {gp} + 48]",
    r"    mov rdi, qword ptr [rip + {state} + {seen} + {gp} + 56]",
    r"    .irp n,6,7,8,9,10,11,12,13,14,15",
    r"    movups xmm0, xmmword ptr [rip + {state} + {seen} + {vectors} + 64*\n]",
    r"    movups xmmword ptr [rip + {state} + {give} + {vectors} + 64*\n], xmm0",
    r"    .endr",
    r"5:  hostile_vectors 0, {give}",
    r"    cmp qword ptr [rip + {state} + {give_x87_count}], 1",
    r"    jb 7f",
    r"    je 6f",
    r"    fld tbyte ptr [rip + {state} + {give_x87} + 16]",
    r"6:  fld tbyte ptr [rip + {state} + {give_x87}]",
    r"7:  hostile_volatile {give}",
    r"    ret",
    state = sym STATE,
    vectors = const offset_of!(Registers, vectors),
    gp = const offset_of!(Registers, gp),
    flags = const offset_of!(Registers, flags),
    x87 = const offset_of!(Registers, x87),
    mxcsr = const offset_of!(Registers, mxcsr),
    enter = const offset_of!(State, enter),
    seen = const offset_of!(State, seen),
    give = const offset_of!(State, give),
    after = const offset_of!(State, after),
    give_x87 = const offset_of!(State, give_x87),
    give_x87_count = const offset_of!(State, give_x87_count),
    stub = const offset_of!(State, stub),
    frame = const offset_of!(State, frame),
    frame_len = const offset_of!(State, frame_len),
    keeps_more = const offset_of!(State, keeps_more),
    vector_bytes = const offset_of!(State, vector_bytes),
    back = const offset_of!(State, back),
    back_mxcsr = const offset_of!(State, back_mxcsr),
    back_control = const offset_of!(State, back_control),
);
