//! 32-bit x86: one classifier for its four calling conventions and for three sorts of compilers, which differ more in what
//! they give back than in what they take.
//!
//! - Linux transcribes the "System V Application Binary Interface, Intel386 Architecture Processor Supplement" 1.1, section
//!   2.2 "Function Calling Sequence". What its words leave open (structs that contain vectors, `fastcall` and `thiscall`) is
//!   as gcc does it.
//! - mingw is gcc for Windows: the same, but for small structs in registers and a hidden address that stays on the stack.
//! - MSVC transcribes "Argument Passing and Naming Conventions" (Microsoft Learn); for what Microsoft's compiler lacks or its
//!   document does not say (`_Complex`, `_Float16`, over-aligned structs), what clang does for it.
//!
//! Vectors pass in registers, as compilers have it that were told of these registers (`-msse2`, `-mavx`, `-mavx512f`); told of
//! none, gcc passes them on the stack and warns of it.

mod gcc;
mod returning;

use super::draft::{Draft, size_of};
use super::{Abi, Convention, Counting, Pops, RegSet, widening};
use crate::isa::x86::Gp::{Eax, Ebp, Ebx, Ecx, Edi, Edx, Esi, Esp};
use crate::layout::{DataModel, Float, Record, Scalar, Type};
use crate::plan::{Extension, Location, Passing, ResultPlan, Room, Rule};
use crate::{Align, CallPlan, Error, Signature};
use gcc::Mode;
use returning::Returned;

/// Who passes what in registers, and who takes the arguments off the stack. A variadic function is [`X86Call::Cdecl`],
/// whatever it was declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum X86Call {
    /// All arguments on the stack, the caller pops them.
    Cdecl,
    /// All arguments on the stack, the callee pops them.
    Stdcall,
    /// The first two integers in ECX and EDX, the callee pops the rest.
    Fastcall,
    /// The first integer, a C++ object's address, in ECX; the callee pops the rest.
    Thiscall,
}

/// For which compilers' code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum X86Flavour {
    /// gcc and clang on Linux.
    Linux,
    /// gcc on Windows.
    Mingw,
    /// Microsoft's compiler, and clang in its place.
    Msvc,
}

impl X86Flavour {
    /// What its compilers lay types out by.
    pub(super) const fn data_model(self) -> &'static DataModel {
        match self {
            X86Flavour::Linux => &DataModel::ILP32_GNU,
            X86Flavour::Mingw => &DataModel::ILP32_MINGW,
            X86Flavour::Msvc => &DataModel::ILP32_MSVC,
        }
    }
}

/// psABI 2.2.1, tables 2.3 "Register Usage"; Microsoft: "__cdecl", "__stdcall", "__fastcall", "__thiscall".
const fn table(call: X86Call, flavour: X86Flavour) -> Convention {
    let (document, stack_align, mmx_params): (_, _, &[u8]) = match flavour {
        X86Flavour::Linux => ("System V ABI, Intel386 supplement", 16, &[0, 1, 2]),
        X86Flavour::Mingw => ("gcc for 32-bit Windows", 4, &[0, 1, 2]),
        X86Flavour::Msvc => ("Microsoft x86 calling conventions", 4, &[]),
    };
    let gp_params: &[u8] = match call {
        X86Call::Cdecl | X86Call::Stdcall => &[],
        X86Call::Fastcall => const { &[Ecx.number(), Edx.number()] },
        X86Call::Thiscall => const { &[Ecx.number()] },
    };
    let callee_pops = match (call, flavour) {
        // psABI 2.2.3: the function "pops the address of the structure", with `ret $4`.
        (X86Call::Cdecl, X86Flavour::Linux) => Pops::HiddenAddress,
        (X86Call::Cdecl, X86Flavour::Mingw | X86Flavour::Msvc) => Pops::Nothing,
        (X86Call::Stdcall | X86Call::Fastcall | X86Call::Thiscall, _) => Pops::Arguments,
    };
    Convention {
        abi: Abi::X86(call, flavour),
        document,
        gp_params,
        vector_params: &[0, 1, 2],
        mmx_params,
        counting: Counting::PerClass,
        gp_results: const { &[Eax.number(), Edx.number()] },
        vector_results: &[0],
        hidden_returned: Some(Eax.number()),
        preserved_gp: RegSet::of(&[Ebx.number(), Esp.number(), Ebp.number(), Esi.number(), Edi.number()]),
        preserved_vector: RegSet::of(&[]),
        stack_align,
        stack_slot: Align::of(4),
        callee_pops,
        shadow_space: 0,
        red_zone: 0,
    }
}

/// The table of a convention.
pub(super) fn convention(call: X86Call, flavour: X86Flavour) -> &'static Convention {
    use X86Call::{Cdecl, Fastcall, Stdcall, Thiscall};
    use X86Flavour::{Linux, Mingw, Msvc};
    match (call, flavour) {
        (Cdecl, Linux) => const { &table(Cdecl, Linux) },
        (Stdcall, Linux) => const { &table(Stdcall, Linux) },
        (Fastcall, Linux) => const { &table(Fastcall, Linux) },
        (Thiscall, Linux) => const { &table(Thiscall, Linux) },
        (Cdecl, Mingw) => const { &table(Cdecl, Mingw) },
        (Stdcall, Mingw) => const { &table(Stdcall, Mingw) },
        (Fastcall, Mingw) => const { &table(Fastcall, Mingw) },
        (Thiscall, Mingw) => const { &table(Thiscall, Mingw) },
        (Cdecl, Msvc) => const { &table(Cdecl, Msvc) },
        (Stdcall, Msvc) => const { &table(Stdcall, Msvc) },
        (Fastcall, Msvc) => const { &table(Fastcall, Msvc) },
        (Thiscall, Msvc) => const { &table(Thiscall, Msvc) },
    }
}

// The sentences that moves carry.

const fn psabi(class: &'static str, text: &'static str) -> Rule {
    Rule { class, section: "psABI i386 2.2.3", text }
}

const fn microsoft(class: &'static str, text: &'static str) -> Rule {
    Rule { class, section: "Microsoft x86", text }
}

static STACK: Rule =
    psabi("stack", "arguments are pushed onto the stack in reverse order, in words of 4 bytes");
static ALIGNED: Rule = Rule {
    class: "stack",
    section: "gcc",
    text: "what contains a vector or __float128 is aligned on the stack, and nothing else is",
};
static VECTOR: Rule = psabi("vector", "the first three vectors are passed in %xmm0, %xmm1 and %xmm2");
static MMX: Rule = psabi("__m64", "the first three vectors of 8 bytes are passed in %mm0, %mm1 and %mm2");
static REGISTER: Rule =
    microsoft("register", "the first DWORD or smaller arguments are passed in ECX (and EDX, if __fastcall)");
static REFERENCE: Rule = Rule {
    class: "by reference",
    section: "clang for MSVC",
    text: "vectors beyond the third, and what __declspec(align) aligns to more than 4, pass by address",
};
static EMPTY: Rule = Rule { class: "nothing", section: "gcc", text: "no size, no place" };

/// Plans a call.
pub(super) fn classify(
    signature: &Signature,
    call: X86Call,
    flavour: X86Flavour,
    room: Room,
) -> Result<CallPlan, Error> {
    let mut draft = Draft::new(convention(call, flavour), signature, room);
    let model = flavour.data_model();
    for ty in signature.params().iter().chain(signature.result()) {
        ty.check(model)?;
    }
    let returned = match signature.result() {
        Some(ty) => returning::returned(ty, flavour)?,
        None => Returned::Nothing,
    };
    let hidden = match returned {
        Returned::Memory(rule) => Some((hidden_address(&mut draft, flavour)?, rule)),
        Returned::Nothing | Returned::In(..) => None,
    };
    let mut arguments = Arguments { draft, flavour, variadic: signature.fixed().is_some() };
    for (index, ty) in signature.params().iter().enumerate() {
        let size = size_of(ty, model)?;
        let named = signature.fixed().is_none_or(|fixed| index < fixed);
        let passing = arguments.pass(ty, size, named)?;
        arguments.draft.arg(ty, size, passing);
    }
    let mut draft = arguments.draft;
    let result = match (hidden, returned) {
        (Some((pointer, rule)), _) => ResultPlan::Hidden {
            pointer,
            // "%eax […] also used to return the address of the structure."
            returned: Some(Location::Gp(Eax.number())),
            rule,
        },
        (None, Returned::In(pieces, rule)) => returning::direct(&mut draft, &pieces, rule),
        (None, Returned::Nothing | Returned::Memory(_)) => ResultPlan::None,
    };
    draft.finish(result, signature.result(), None)
}

/// "The caller […] provides space for the return value and passes its address as a hidden first argument": to gcc, an
/// argument as any other; to MSVC, none that takes a register.
fn hidden_address(draft: &mut Draft, flavour: X86Flavour) -> Result<Location, Error> {
    let register = match flavour {
        X86Flavour::Linux | X86Flavour::Mingw => draft.registers.next_gp(),
        X86Flavour::Msvc => None,
    };
    match register {
        Some(register) => Ok(Location::Gp(register)),
        None => draft.stack_slot(4, Align::ONE),
    }
}

/// Whether Microsoft's compiler passes a record's address for the record, as clang has it: `__declspec(align)` asks for more
/// than the stack has, and there is no flexible array.
fn is_over_aligned(record: &Record) -> bool {
    record.required_align > Align::of(4) && !gcc::has_flexible(record)
}

/// The arguments, as far as they are placed.
struct Arguments {
    draft: Draft,
    flavour: X86Flavour,
    variadic: bool,
}

impl Arguments {
    /// The next one's place. `named` is what is not behind a `...`.
    fn pass(&mut self, ty: &Type, size: u32, named: bool) -> Result<Passing, Error> {
        if size == 0 {
            return Ok(Passing::Ignored(&EMPTY));
        }
        match ty {
            // "All arguments are widened to 32 bits when they are passed", and gcc and clang rely on it.
            Type::Scalar(scalar) if size <= 4 && !matches!(scalar, Scalar::Float(_)) => {
                let register = self.draft.registers.next_gp().map(Location::Gp);
                let (location, rule) = match register {
                    Some(location) => (location, &REGISTER),
                    None => (self.draft.stack_slot(size, Align::ONE)?, &STACK),
                };
                Ok(Passing::Direct(self.draft.whole(size, location, widening(*scalar), rule)))
            }
            Type::Vector(vector) if !self.variadic => {
                let alone = size == 8 && vector.lane == Scalar::Float(Float::F64);
                self.vector(ty, size, alone)
            }
            Type::Record(record) if named && self.flavour == X86Flavour::Msvc && is_over_aligned(record) => {
                self.reference(ty, size)
            }
            Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => {
                self.use_up(ty, size);
                self.stack(ty, size)
            }
        }
    }

    /// "The first three parameters of type __m128 are passed in %xmm0, %xmm1 and %xmm2", __m256 and __m512 in the wider
    /// registers of the same numbers, "the first three parameters of type __m64 in %mm0, %mm1 and %mm2". `alone` is a vector
    /// of one `double`, which gcc puts on the stack.
    fn vector(&mut self, ty: &Type, size: u32, alone: bool) -> Result<Passing, Error> {
        let registers = &mut self.draft.registers;
        let place = match self.flavour {
            X86Flavour::Linux | X86Flavour::Mingw if alone => None,
            X86Flavour::Linux | X86Flavour::Mingw if size == 8 => {
                registers.next_mmx().map(|register| (Location::Mmx(register), &MMX))
            }
            X86Flavour::Linux | X86Flavour::Mingw | X86Flavour::Msvc => {
                registers.next_vector().map(|register| (Location::Vector(register), &VECTOR))
            }
        };
        match (place, self.flavour) {
            (Some((location, rule)), _) => {
                Ok(Passing::Direct(self.draft.whole(size, location, Extension::None, rule)))
            }
            (None, X86Flavour::Msvc) => self.reference(ty, size),
            (None, X86Flavour::Linux | X86Flavour::Mingw) => self.stack(ty, size),
        }
    }

    /// By the address of a copy.
    fn reference(&mut self, ty: &Type, size: u32) -> Result<Passing, Error> {
        let pointer = match self.draft.registers.next_gp() {
            Some(register) => Location::Gp(register),
            None => self.draft.stack_slot(4, Align::ONE)?,
        };
        let align = ty.align(self.flavour.data_model());
        Ok(Passing::Indirect { pointer, copy: self.draft.copy(size, align)?, align, rule: &REFERENCE })
    }

    /// By value, on the stack.
    fn stack(&mut self, ty: &Type, size: u32) -> Result<Passing, Error> {
        let (align, rule) = match self.flavour {
            X86Flavour::Linux | X86Flavour::Mingw => match gcc::stack_align(ty, self.flavour.data_model()) {
                Some(align) => (align, &ALIGNED),
                None => (Align::ONE, &STACK),
            },
            X86Flavour::Msvc => (Align::ONE, &STACK),
        };
        let location = self.draft.stack_slot(size, align)?;
        Ok(Passing::Direct(self.draft.whole(size, location, Extension::None, rule)))
    }

    /// gcc counts a value on the stack against the registers all the same, a register for each word, if it is an integer or
    /// a struct that is no single floating-point value. Microsoft: "The first two DWORD or smaller arguments that are found
    /// in the argument list from left to right are passed in ECX and EDX".
    fn use_up(&mut self, ty: &Type, size: u32) {
        let counts = match self.flavour {
            X86Flavour::Linux | X86Flavour::Mingw => match gcc::mode(ty, self.flavour.data_model()) {
                Mode::Integer | Mode::Block => true,
                Mode::Of(_) => false,
            },
            X86Flavour::Msvc => false,
        };
        if counts {
            self.draft.registers.skip_gp(size.div_ceil(4));
        }
    }
}
