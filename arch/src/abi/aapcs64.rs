//! AArch64. Transcribes Arm's "Procedure Call Standard for the Arm 64-bit Architecture" (AAPCS64), "Parameter Passing
//! Rules", stages A to C, and "Result Return"; and where the systems differ from it: "Writing ARM64 code for Apple
//! platforms", "Overview of ARM64 ABI conventions" (Microsoft Learn). A system is a row of [`Rules`].

mod machine;

use self::machine::Machine;
use super::cursor::Registers;
use super::draft::{Draft, size_of};
use super::{Abi, Convention, Counting, Pops, RegSet, widening};
use crate::layout::{DataModel, Scalar, Type};
use crate::plan::{Extension, Location, Move, MoveRange, Passing, ResultPlan, Room, Rule};
use crate::{Align, CallPlan, Error, Signature};
use alloc::vec::Vec;

/// The systems whose conventions are AAPCS64's, each with its own differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aapcs64 {
    /// Linux, the BSDs: as Arm has it.
    Linux,
    /// macOS, iOS.
    Darwin,
    /// Windows.
    Windows,
}

/// "Machine Registers", "The Stack": what the systems share.
const BASE: Convention = Convention {
    abi: Abi::Aapcs64(Aapcs64::Linux),
    document: "AAPCS64",
    gp_params: &[0, 1, 2, 3, 4, 5, 6, 7],
    mmx_params: &[],
    vector_params: &[0, 1, 2, 3, 4, 5, 6, 7],
    counting: Counting::PerClass,
    gp_results: &[0, 1],
    vector_results: &[0, 1, 2, 3],
    // "There is no requirement for the callee to preserve the value stored in x8."
    hidden_returned: None,
    // r19 to r28, the frame pointer, the stack pointer; r18 is the platform's, and no code here touches it.
    preserved_gp: RegSet::of(&[18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31]),
    // "Only the bottom 64 bits of each value stored in v8-v15 need to be preserved."
    preserved_vector: RegSet::of(&[8, 9, 10, 11, 12, 13, 14, 15]),
    stack_align: 16,
    stack_slot: Align::of(8),
    callee_pops: Pops::Nothing,
    shadow_space: 0,
    red_zone: 0,
};

/// The table of AAPCS64 on Linux.
static LINUX: Convention = BASE;

/// The table of Apple's flavour.
static DARWIN: Convention = Convention {
    abi: Abi::Aapcs64(Aapcs64::Darwin),
    document: "AAPCS64, Apple",
    // "Function arguments may consume slots on the stack that are not multiples of 8 bytes."
    stack_slot: Align::ONE,
    red_zone: 128,
    ..BASE
};

/// The table of Microsoft's flavour.
static WINDOWS: Convention =
    Convention { abi: Abi::Aapcs64(Aapcs64::Windows), document: "AAPCS64, Microsoft", red_zone: 16, ..BASE };

/// "Indirect result location register": where the address of a result in memory passes.
const INDIRECT_RESULT: u8 = 8;

/// Where the systems differ, beside their [`Convention`].
struct Rules {
    convention: &'static Convention,
    model: &'static DataModel,
    /// The alignment by which a composite's place is chosen.
    alignment: Alignment,
    /// Whether C.10 holds: 16-byte alignment begins at an even register.
    even: bool,
    /// Whether the caller, not the callee, widens what is narrower than 32 bits.
    caller_widens: bool,
    /// Where arguments of variadic functions go.
    variadic: Variadic,
    /// Whether a struct that has bytes, but no member, passes.
    memberless: bool,
}

/// The alignment by which a composite's place is chosen.
enum Alignment {
    /// B.6: 8 or 16, by the natural one, which is that of the members.
    Natural,
    /// The type's own, attributes and all; for an HFA, its base type's. What clang does for these systems.
    Adjusted,
}

/// Where arguments of variadic functions go.
#[derive(PartialEq, Eq)]
enum Variadic {
    /// As those of any other function.
    AsNamed,
    /// The anonymous ones on the stack.
    OnStack,
    /// All, named ones too, in integer registers.
    InIntegers,
}

static ON_LINUX: Rules = Rules {
    convention: &LINUX,
    model: &DataModel::AAPCS64_LINUX,
    alignment: Alignment::Natural,
    even: true,
    caller_widens: false,
    variadic: Variadic::AsNamed,
    memberless: true,
};

/// "Pass arguments to functions correctly", "Update code that passes arguments to variadic functions".
static ON_DARWIN: Rules = Rules {
    convention: &DARWIN,
    model: &DataModel::AAPCS64_DARWIN,
    alignment: Alignment::Adjusted,
    even: false,
    caller_widens: true,
    variadic: Variadic::OnStack,
    memberless: false,
};

/// "Addendum: Variadic functions".
static ON_WINDOWS: Rules = Rules {
    convention: &WINDOWS,
    model: &DataModel::AAPCS64_WINDOWS,
    alignment: Alignment::Adjusted,
    even: true,
    caller_widens: false,
    variadic: Variadic::InIntegers,
    memberless: false,
};

impl Aapcs64 {
    /// The table of this system.
    pub(super) const fn convention(self) -> &'static Convention {
        match self {
            Aapcs64::Linux => &LINUX,
            Aapcs64::Darwin => &DARWIN,
            Aapcs64::Windows => &WINDOWS,
        }
    }

    /// The types of this system.
    pub(super) const fn data_model(self) -> &'static DataModel {
        match self {
            Aapcs64::Linux => &DataModel::AAPCS64_LINUX,
            Aapcs64::Darwin => &DataModel::AAPCS64_DARWIN,
            Aapcs64::Windows => &DataModel::AAPCS64_WINDOWS,
        }
    }

    const fn rules(self) -> &'static Rules {
        match self {
            Aapcs64::Linux => &ON_LINUX,
            Aapcs64::Darwin => &ON_DARWIN,
            Aapcs64::Windows => &ON_WINDOWS,
        }
    }
}

// The sentences that moves carry.

const fn rule(class: &'static str, section: &'static str, text: &'static str) -> Rule {
    Rule { class, section, text }
}

static FLOAT: Rule = rule("floating-point", "AAPCS64, C.1", "in the least significant bits of v[NSRN]");
static HOMOGENEOUS: Rule = rule("HFA, HVA", "AAPCS64, C.2", "one vector register for each member");
static FLOAT_STACKED: Rule =
    rule("floating-point", "AAPCS64, C.6", "no vector register is left: copied to memory at the NSAA");
static HOMOGENEOUS_STACKED: Rule =
    rule("HFA, HVA", "AAPCS64, C.6", "not enough vector registers are left: copied to memory at the NSAA");
static INTEGRAL: Rule =
    rule("integral, pointer", "AAPCS64, C.9", "copied to the least significant bits in x[NGRN]");
static QUAD: Rule = rule("integral, 16 bytes", "AAPCS64, C.11", "copied to x[NGRN] and x[NGRN+1]");
static COMPOSITE: Rule = rule("composite", "AAPCS64, C.12", "copied into consecutive registers from x[NGRN]");
static COMPOSITE_STACKED: Rule =
    rule("composite", "AAPCS64, C.15", "not enough registers are left: copied to memory at the NSAA");
static STACKED: Rule = rule("integral, pointer", "AAPCS64, C.17", "copied to memory at the NSAA");
static BY_REFERENCE: Rule =
    rule("by reference", "AAPCS64, B.4", "larger than 16 bytes: replaced by a pointer to a copy");
static ANONYMOUS: Rule = rule(
    "variadic",
    "Apple, variadic functions",
    "each variadic argument is assigned to the appropriate number of 8-byte stack slots",
);
static IMAGINARY: Rule = rule(
    "variadic",
    "ARM64 on Windows, Addendum",
    "an imaginary stack, whose first 64 bytes are loaded into x0-x7; no vector registers, no HFAs",
);
static HIDDEN: Rule = rule(
    "by reference",
    "AAPCS64, Result Return",
    "the address of memory for the result is passed as an additional argument in x8",
);
static NO_MEMBERS: Rule = rule("empty", "gcc, clang", "nothing to pass");

/// Plans a call.
pub(super) fn classify(signature: &Signature, system: Aapcs64, room: Room) -> Result<CallPlan, Error> {
    let rules = system.rules();
    for ty in signature.params().iter().chain(signature.result()) {
        ty.check(rules.model)?;
    }
    // Stage A: the NGRN and the NSRN are zero, the NSAA is the stack pointer.
    let mut draft = Draft::new(rules.convention, signature, room);
    for (index, ty) in signature.params().iter().enumerate() {
        let size = size_of(ty, rules.model)?;
        let passing = if rules.ignores(ty, size) {
            Passing::Ignored(&NO_MEMBERS)
        } else {
            let way = rules.way(signature, index);
            pass(&mut draft, rules, way, ty, size)?
        };
        draft.arg(ty, size, passing);
    }
    // On Darwin the last argument may end anywhere; what lies above it does not.
    draft.pad_stack(WORD)?;
    let result = result(&mut draft, rules, signature.result())?;
    draft.finish(result, signature.result(), None)
}

/// The alignment that the NSAA never goes below (but among Darwin's named arguments).
const WORD: Align = Align::of(8);

/// How an argument is assigned its place.
#[derive(Clone, Copy)]
enum Way {
    /// By stage C.
    StageC,
    /// In 8-byte slots on the stack.
    Slots,
    /// In integer registers, then on the stack.
    Integers,
}

impl Rules {
    /// Neither gcc nor clang passes what has no bytes. clang passes no struct without members, whatever its size.
    fn ignores(&self, ty: &Type, size: u32) -> bool {
        size == 0 || !self.memberless && ty.leaves() == 0
    }

    /// How parameter `index` is assigned its place.
    fn way(&self, signature: &Signature, index: usize) -> Way {
        match (&self.variadic, signature.fixed()) {
            (Variadic::InIntegers, Some(_)) => Way::Integers,
            (Variadic::OnStack, Some(fixed)) if index >= fixed => Way::Slots,
            (Variadic::AsNamed | Variadic::OnStack | Variadic::InIntegers, _) => Way::StageC,
        }
    }

    /// The alignment that a value's place has on the stack, and by which C.10 asks for an even register.
    fn align_of(&self, ty: &Type, machine: Machine) -> Align {
        match (&self.alignment, machine, ty) {
            // "The alignment of the copy will have 8-byte alignment if its natural alignment is <= 8 and 16-byte
            // alignment if its natural alignment is >= 16."
            (Alignment::Natural, Machine::Homogeneous { .. } | Machine::Composite, Type::Record(record)) => {
                record.natural_align.clamp(WORD, Align::of(16))
            }
            (Alignment::Adjusted, Machine::Homogeneous { align, .. }, _) => align,
            (_, Machine::Composite, _) => ty.align(self.model).max(WORD),
            (_, Machine::Integral(_) | Machine::Quad | Machine::Float | Machine::Homogeneous { .. }, _) => {
                ty.align(self.model)
            }
        }
    }

    /// What fills the rest of 32 bits of a register. "Named integral values must be narrowed by the callee rather than
    /// the caller"; Apple: "The caller of a function is responsible for signing or zero-extending any argument with
    /// fewer than 32 bits", and clang's callees widen results likewise.
    fn extension(&self, scalar: Scalar) -> Extension {
        if self.caller_widens { widening(scalar) } else { Extension::None }
    }
}

/// Stages B and C for one argument.
fn pass(draft: &mut Draft, rules: &Rules, way: Way, ty: &Type, size: u32) -> Result<Passing, Error> {
    let machine = match (Machine::of(ty, size, rules.model), way) {
        // "All composites are treated alike; no special treatment of HFAs or HVAs."
        (Machine::Homogeneous { .. }, Way::Integers) => Machine::Composite,
        (machine, Way::StageC | Way::Slots | Way::Integers) => machine,
    };
    // B.3. "If the argument type is an HFA or an HVA, then the argument is used unmodified." B.4. "If the argument type
    // is a Composite Type that is larger than 16 bytes, then the argument is copied to memory allocated by the caller
    // and the argument is replaced by a pointer to the copy." The copy is as aligned as its type, and as a word.
    if let Machine::Composite = machine
        && size > 16
    {
        let pointer = pointer(draft, way)?;
        let align = ty.align(rules.model).max(WORD);
        return Ok(Passing::Indirect { pointer, copy: draft.copy(size, align)?, align, rule: &BY_REFERENCE });
    }
    let align = rules.align_of(ty, machine);
    Ok(Passing::Direct(match way {
        Way::StageC => stage_c(draft, rules, machine, size, align)?,
        Way::Slots => {
            // "The NSAA is then rounded up to the next multiple of 8 bytes."
            let location = draft.stack_slot(size.next_multiple_of(8), align.max(WORD))?;
            draft.whole(size, location, Extension::None, &ANONYMOUS)
        }
        Way::Integers => integers(draft, size, align)?,
    }))
}

/// Stage C, from its first rule to its last.
fn stage_c(
    draft: &mut Draft,
    rules: &Rules,
    machine: Machine,
    size: u32,
    align: Align,
) -> Result<MoveRange, Error> {
    match machine {
        Machine::Float => {
            // C.1. "[A] Floating-point or Short Vector Type and the NSRN is less than 8: […] v[NSRN]."
            if let Some(register) = draft.registers.next_vector() {
                return Ok(draft.whole(size, Location::Vector(register), Extension::None, &FLOAT));
            }
            // C.4 to C.6. "The argument is copied to memory at the adjusted NSAA."
            let location = draft.stack_slot(size, align)?;
            Ok(draft.whole(size, location, Extension::None, &FLOAT_STACKED))
        }
        Machine::Homogeneous { count, member, .. } => {
            // C.2. "[An] HFA or an HVA and there are sufficient unallocated SIMD and Floating-point registers."
            if let Some(run) = members(draft, count, member) {
                return Ok(run);
            }
            // C.3. "The NSRN is set to 8 and the size of the argument is rounded up to the nearest multiple of 8 bytes":
            // by the slots of the stack, where it has any. C.4, C.6 as above.
            draft.registers.use_up_vectors();
            let location = draft.stack_slot(size, align)?;
            Ok(draft.whole(size, location, Extension::None, &HOMOGENEOUS_STACKED))
        }
        Machine::Integral(scalar) => {
            // C.9. "The argument is copied to the least significant bits in x[NGRN]."
            if let Some(register) = draft.registers.next_gp() {
                let extension = rules.extension(scalar);
                return Ok(draft.whole(size, Location::Gp(register), extension, &INTEGRAL));
            }
            // C.13 to C.17.
            let location = draft.stack_slot(size, align)?;
            Ok(draft.whole(size, location, Extension::None, &STACKED))
        }
        Machine::Quad => general(draft, rules, size, align, [&QUAD, &STACKED]),
        Machine::Composite => general(draft, rules, size, align, [&COMPOSITE, &COMPOSITE_STACKED]),
    }
}

/// One vector register for each member, if there are so many.
fn members(draft: &mut Draft, count: u32, member: u32) -> Option<MoveRange> {
    let start = draft.mark();
    if !draft.registers.have(0, usize::try_from(count).ok()?) {
        return None;
    }
    for index in 0..count {
        let location = Location::Vector(draft.registers.next_vector()?);
        let (offset, extension) = (index * member, Extension::None);
        draft.moves.push(Move { offset, width: member, location, extension, rule: &HOMOGENEOUS });
    }
    Some(draft.since(start))
}

/// C.10 to C.17, for what takes more than one integer register, or one as a composite.
fn general(
    draft: &mut Draft,
    rules: &Rules,
    size: u32,
    align: Align,
    [in_registers, stacked]: [&'static Rule; 2],
) -> Result<MoveRange, Error> {
    // C.10. "If the argument has an alignment of 16 then the NGRN is rounded up to the next even number."
    if rules.even && align == Align::of(16) {
        draft.registers.round_gp_to_even();
    }
    // C.11. "[A 16-byte integer] and the NGRN is less than 7 […] x[NGRN] shall contain the lower addressed double-word."
    // C.12. "If the argument is a Composite Type and the size in double-words of the argument is not more than 8 minus
    // NGRN, then the argument is copied into consecutive general-purpose registers, starting at x[NGRN]."
    if draft.registers.have(usize::try_from(size.div_ceil(8)).unwrap_or(usize::MAX), 0) {
        let start = draft.mark();
        double_words(&mut draft.moves, &mut draft.registers, size, in_registers);
        return Ok(draft.since(start));
    }
    // C.13. "The NGRN is set to 8." C.14. "The NSAA is rounded up to the larger of 8 or the Natural Alignment of the
    // argument's type." C.15, C.17. "The argument is copied to memory at the adjusted NSAA", its size rounded up by B.5.
    draft.registers.use_up_gp();
    let location = draft.stack_slot(size.next_multiple_of(8), align)?;
    Ok(draft.whole(size, location, Extension::None, stacked))
}

/// Moves of 8 bytes each, the last of what is left, as far as there are registers. Returns how many bytes they move.
fn double_words(moves: &mut Vec<Move>, registers: &mut Registers, size: u32, rule: &'static Rule) -> u32 {
    let mut offset = 0;
    while offset < size {
        let Some(register) = registers.next_gp() else { return offset };
        let (width, location) = ((size - offset).min(8), Location::Gp(register));
        moves.push(Move { offset, width, location, extension: Extension::None, rule });
        offset += width;
    }
    size
}

/// "Effectively, it's the same as following rules C.12–C.15 to allocate arguments to an imaginary stack, where the first
/// 64 bytes of the stack are loaded into x0-x7, and any remaining stack arguments are placed normally": an argument may
/// lie in both.
fn integers(draft: &mut Draft, size: u32, align: Align) -> Result<MoveRange, Error> {
    if align == Align::of(16) {
        draft.registers.round_gp_to_even();
    }
    let start = draft.mark();
    let offset = double_words(&mut draft.moves, &mut draft.registers, size, &IMAGINARY);
    if offset < size {
        let width = size - offset;
        let location = draft.stack_slot(width, if offset == 0 { align } else { WORD })?;
        draft.moves.push(Move { offset, width, location, extension: Extension::None, rule: &IMAGINARY });
    }
    Ok(draft.since(start))
}

/// Where the address of a copy passes: as any pointer does.
fn pointer(draft: &mut Draft, way: Way) -> Result<Location, Error> {
    let register = match way {
        Way::StageC | Way::Integers => draft.registers.next_gp(),
        Way::Slots => None,
    };
    match register {
        Some(register) => Ok(Location::Gp(register)),
        None => draft.stack_slot(8, WORD),
    }
}

/// "Result Return": "If the type, T, of the result of a function is such that `void func(T arg)` would require that arg be
/// passed as a value in a register (or set of registers) […], then the result is returned in the same registers".
/// "Otherwise, the caller shall reserve a block of memory […]. The address of the memory block shall be passed as an
/// additional argument to the function in x8."
fn result(draft: &mut Draft, rules: &Rules, ty: Option<&Type>) -> Result<ResultPlan, Error> {
    let Some(ty) = ty else { return Ok(ResultPlan::None) };
    let size = size_of(ty, rules.model)?;
    if rules.ignores(ty, size) {
        return Ok(ResultPlan::None);
    }
    let machine = Machine::of(ty, size, rules.model);
    if let Machine::Composite = machine
        && size > 16
    {
        let (pointer, returned) = (Location::Gp(INDIRECT_RESULT), rules.convention.hidden_returned);
        return Ok(ResultPlan::Hidden { pointer, returned: returned.map(Location::Gp), rule: &HIDDEN });
    }
    draft.registers = Registers::results(rules.convention);
    // There are enough registers for any of these.
    Ok(ResultPlan::Direct(stage_c(draft, rules, machine, size, rules.align_of(ty, machine))?))
}
