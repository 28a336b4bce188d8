//! System V on x86-64. Transcribes the "System V Application Binary Interface, AMD64 Architecture Processor
//! Supplement", section 3.2.3 "Parameter Passing", in its order: classification, passing, returning.

mod eightbytes;

use self::eightbytes::{Class, Eightbytes, Memory, natural_classes};
use super::cursor::Registers;
use super::draft::{Draft, size_of};
use super::{Abi, Convention, Counting, Pops, RegSet, numbers, widening};
use crate::isa::x86_64::Gp::{R8, R9, R12, R13, R14, R15, Rax, Rbp, Rbx, Rcx, Rdi, Rdx, Rsi, Rsp};
use crate::layout::{DataModel, Scalar, Type};
use crate::plan::{Extension, Location, Move, Passing, ResultPlan, Room, Rule};
use crate::{Align, CallPlan, Error, Signature};
use alloc::vec::Vec;

/// The convention as a table: psABI 3.2.1 (registers) and 3.2.2 (stack).
pub static SYSV64: Convention = Convention {
    abi: Abi::SysV64,
    document: "System V ABI, AMD64 supplement",
    gp_params: &numbers([Rdi, Rsi, Rdx, Rcx, R8, R9]),
    mmx_params: &[],
    vector_params: &[0, 1, 2, 3, 4, 5, 6, 7],
    counting: Counting::PerClass,
    gp_results: &numbers([Rax, Rdx]),
    vector_results: &[0, 1],
    hidden_returned: Some(Rax.number()),
    preserved_gp: RegSet::of(&numbers([Rbx, Rsp, Rbp, R12, R13, R14, R15])),
    preserved_vector: RegSet::of(&[]),
    stack_align: 16,
    stack_slot: Align::of(8),
    callee_pops: Pops::Nothing,
    shadow_space: 0,
    red_zone: 128,
};

const MODEL: &DataModel = Abi::SysV64.data_model();

// The sentences that moves carry.

const fn rule(class: &'static str, text: &'static str) -> Rule {
    Rule { class, section: "psABI 3.2.3", text }
}

static INTEGER: Rule = rule("INTEGER", "the next available register of the sequence is used");
static SSE: Rule = rule("SSE", "the next available vector register is used");
static X87: Rule = rule("X87", "the value is returned on the X87 stack in st0");
static COMPLEX_X87: Rule = rule("COMPLEX_X87", "the real part is returned in st0, the imaginary part in st1");
static X87_PASSED: Rule = rule("X87", "class X87, X87UP or COMPLEX_X87 is passed in memory");
static NO_REGISTER: Rule = rule("MEMORY", "no registers available for any eightbyte: passed on the stack");
static HIDDEN: Rule = rule("MEMORY", "the caller provides space and passes its address as a first argument");
static VARIABLE: Rule = Rule {
    class: "MEMORY",
    section: "psABI 3.5.7",
    text: "a variable __m256 or __m512 is passed on the stack",
};
static EMPTY: Rule = Rule { class: "NO_CLASS", section: "gcc", text: "no size, no eightbyte, no place" };

// Passing: "Once arguments are classified, the registers get assigned (in left-to-right order)".

/// Plans a call.
pub(super) fn classify(signature: &Signature, room: Room) -> Result<CallPlan, Error> {
    let mut draft = Draft::new(&SYSV64, signature, room);
    // Returning 2. "If the type has class MEMORY, then the caller […] passes the address of this storage in %rdi as if it
    // were the first argument to the function."
    let returned = signature.result().map_or(Ok(Returned::Nothing), returned)?;
    let hidden = if let Returned::Memory = returned { draft.registers.next_gp() } else { None };
    for (index, ty) in signature.params().iter().enumerate() {
        if let Some(natural) = Natural::of(ty) {
            let passing = pass_scalar(&mut draft, natural)?;
            draft.arg(ty, natural.size, passing);
            continue;
        }
        let named = signature.fixed().is_none_or(|fixed| index < fixed);
        let size = size_of(ty, MODEL)?;
        let passing = match size {
            0 => Passing::Ignored(&EMPTY),
            _ => pass_eightbytes(&mut draft, ty, size, named)?,
        };
        draft.arg(ty, size, passing);
    }
    // "%al is used as hidden argument to specify the number of vector registers used."
    let vectors = SYSV64.vector_params.len() - draft.registers.vectors_left();
    let vector_count = signature.fixed().and_then(|_| u8::try_from(vectors).ok());
    let result = match (hidden, returned) {
        // 2. "On return %rax will contain the address that has been passed in by the caller in %rdi."
        (Some(pointer), _) => ResultPlan::Hidden {
            pointer: Location::Gp(pointer),
            returned: SYSV64.hidden_returned.map(Location::Gp),
            rule: &HIDDEN,
        },
        // 3. and 4., as below.
        (None, Returned::Scalar(natural)) => match natural.register(&mut Registers::results(&SYSV64)) {
            Some((register, rule)) => {
                ResultPlan::Direct(draft.whole(natural.size, register, Extension::None, rule))
            }
            None => ResultPlan::None,
        },
        (None, Returned::Eightbytes(eightbytes)) => returning(&mut draft, &eightbytes),
        (None, Returned::Nothing | Returned::Memory) => ResultPlan::None,
    };
    draft.finish(result, signature.result(), vector_count)
}

/// What there is to know of a scalar that is one eightbyte or less: found out once, since most values are such.
struct Natural {
    size: u32,
    in_vector: bool,
    widening: Extension,
}

/// By [`Scalar::code`].
static NATURAL: [Option<Natural>; Scalar::CODES] = {
    let mut all = [const { None }; Scalar::CODES];
    let mut index = 0;
    while index < Scalar::ALL.len() {
        let scalar = Scalar::ALL[index];
        let size = DataModel::LP64.size_of(scalar).bytes();
        if size <= 8 {
            let in_vector = matches!(natural_classes(scalar).0, Class::Sse);
            // At most 8.
            #[allow(clippy::cast_possible_truncation)]
            let size = size as u32;
            all[scalar.code() as usize] = Some(Natural { size, in_vector, widening: widening(scalar) });
        }
        index += 1;
    }
    all
};

impl Natural {
    /// Of a type that is such a scalar.
    #[inline]
    fn of(ty: &Type) -> Option<&'static Natural> {
        match ty {
            Type::Scalar(scalar) => NATURAL[usize::from(scalar.code()) % Scalar::CODES].as_ref(),
            Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => None,
        }
    }

    /// The register that it gets.
    #[inline]
    fn register(&self, registers: &mut Registers) -> Option<(Location, &'static Rule)> {
        if self.in_vector {
            // 3. "If the class is SSE, the next available vector register is used."
            registers.next_vector().map(|register| (Location::Vector(register), &SSE))
        } else {
            // 2. "If the class is INTEGER, the next available register of the sequence […] is used."
            registers.next_gp().map(|register| (Location::Gp(register), &INTEGER))
        }
    }
}

/// The short way for a scalar of one eightbyte.
#[inline]
fn pass_scalar(draft: &mut Draft, natural: &Natural) -> Result<Passing, Error> {
    let (location, rule) = match natural.register(&mut draft.registers) {
        Some(place) => place,
        None => (draft.stack_slot(natural.size, Align::ONE)?, &NO_REGISTER),
    };
    // Not in the document: gcc and clang widen arguments to 32 bits in the caller, and clang's callees rely on it.
    // Neither widens results.
    Ok(Passing::Direct(draft.whole(natural.size, location, natural.widening, rule)))
}

/// Any other value.
fn pass_eightbytes(draft: &mut Draft, ty: &Type, size: u32, named: bool) -> Result<Passing, Error> {
    let memory = match Eightbytes::classify(ty, size) {
        // 1. "If the class is MEMORY, pass the argument on the stack at an address respecting the arguments
        // alignment (which might be more than its natural alignment)."
        Err(Memory(rule)) => rule,
        // 5. "If the class is X87, X87UP or COMPLEX_X87, it is passed in memory."
        Ok(Eightbytes { classes: [Class::X87 | Class::ComplexX87, ..], .. }) => &X87_PASSED,
        // 3.5.7: "When __m256 or __m512 is passed as variable-argument, it should always be passed on stack."
        Ok(_) if !named && size > 16 => &VARIABLE,
        Ok(eightbytes) if eightbytes.fit(&draft.registers) => {
            let start = draft.mark();
            eightbytes.assign(&mut draft.registers, &mut draft.moves);
            return Ok(Passing::Direct(draft.since(start)));
        }
        // "If there are no registers available for any eightbyte of an argument, the whole argument is passed on the
        // stack. If registers have already been assigned for some […], the assignments get reverted."
        Ok(_) => &NO_REGISTER,
    };
    let location = draft.stack_slot(size, ty.align(MODEL))?;
    Ok(Passing::Direct(draft.whole(size, location, Extension::None, memory)))
}

impl Eightbytes {
    /// Whether the registers left are enough.
    fn fit(&self, registers: &Registers) -> bool {
        let count = |class| self.iter().filter(|&(_, other)| other == class).count();
        registers.have(count(Class::Integer), count(Class::Sse))
    }

    /// Gives each eightbyte its register.
    fn assign(&self, registers: &mut Registers, moves: &mut Vec<Move>) {
        for (offset, class) in self.iter() {
            let width = (self.size - offset).min(8);
            let (location, rule) = match class {
                Class::Integer => (registers.next_gp().map(Location::Gp), &INTEGER),
                Class::Sse => (registers.next_vector().map(Location::Vector), &SSE),
                // 4. "If the class is SSEUP, the eightbyte is passed in the next available eightbyte chunk of the
                // last used vector register."
                Class::SseUp => {
                    moves.last_mut().into_iter().for_each(|register| register.width += width);
                    continue;
                }
                Class::X87 | Class::X87Up | Class::ComplexX87 | Class::NoClass => continue,
            };
            if let Some(location) = location {
                moves.push(Move { offset, width, location, extension: Extension::None, rule });
            }
        }
    }
}

// Returning of values.

/// How a result comes back, before it is known where.
enum Returned {
    Nothing,
    Scalar(&'static Natural),
    Eightbytes(Eightbytes),
    Memory,
}

/// 1. "Classify the return type with the classification algorithm."
fn returned(ty: &Type) -> Result<Returned, Error> {
    if let Some(natural) = Natural::of(ty) {
        return Ok(Returned::Scalar(natural));
    }
    Ok(match Eightbytes::classify(ty, size_of(ty, MODEL)?) {
        Ok(Eightbytes { size: 0, .. }) => Returned::Nothing,
        Ok(eightbytes) => Returned::Eightbytes(eightbytes),
        Err(Memory(_)) => Returned::Memory,
    })
}

/// A result that is not in memory.
fn returning(draft: &mut Draft, eightbytes: &Eightbytes) -> ResultPlan {
    let start = draft.mark();
    let x87 = |offset, register, rule| {
        let location = Location::X87(register);
        Move { offset, width: 10, location, extension: Extension::None, rule }
    };
    match eightbytes.classes[0] {
        // 6. "If the class is X87, the value is returned on the X87 stack in %st0 as 80-bit x87 number."
        Class::X87 => draft.moves.push(x87(0, 0, &X87)),
        // 8. "If the class is COMPLEX_X87, the real part of the value is returned in %st0 and the imaginary part in %st1."
        Class::ComplexX87 => draft.moves.extend([x87(0, 0, &COMPLEX_X87), x87(16, 1, &COMPLEX_X87)]),
        // 3. INTEGER: "the next available register of the sequence %rax, %rdx is used." 4. SSE: "the next available
        // vector register of the sequence %xmm0, %xmm1 is used." 5. SSEUP as in passing.
        Class::Integer | Class::Sse | Class::SseUp | Class::X87Up | Class::NoClass => {
            eightbytes.assign(&mut Registers::results(&SYSV64), &mut draft.moves);
        }
    }
    ResultPlan::Direct(draft.since(start))
}
