//! System V on x86-64. Transcribes the "System V Application Binary Interface, AMD64 Architecture Processor
//! Supplement", section 3.2.3 "Parameter Passing", in its order: classes, classification, passing, returning.
//!
//! MEMORY is no [`Class`] but the error of a classification, since rule 5(a) makes the whole value memory.

use super::cursor::Registers;
use super::draft::{Draft, align_of, size_of};
use super::{Abi, Convention, Counting, RegSet, gp::*, widening};
use crate::layout::{Float, Place, Scalar, Type};
use crate::plan::{Extension, Location, Move, Passing, ResultPlan, Rule};
use crate::{Align, CallPlan, Error, Signature, Size};
use alloc::vec::Vec;

/// The convention as a table: psABI 3.2.1 (registers) and 3.2.2 (stack).
pub static SYSV64: Convention = Convention {
    abi: Abi::SysV64,
    document: "System V ABI, AMD64 supplement",
    gp_params: &[RDI, RSI, RDX, RCX, R8, R9],
    vector_params: &[0, 1, 2, 3, 4, 5, 6, 7],
    counting: Counting::PerClass,
    gp_results: &[RAX, RDX],
    vector_results: &[0, 1],
    hidden_returned: RAX,
    preserved_gp: RegSet::of(&[RBX, RSP, RBP, R12, R13, R14, R15]),
    preserved_vector: RegSet::of(&[]),
    stack_align: 16,
    shadow_space: 0,
    red_zone: 128,
};

// The sentences that moves carry.

const fn rule(class: &'static str, text: &'static str) -> Rule {
    Rule { class, section: "psABI 3.2.3", text }
}

static INTEGER: Rule = rule("INTEGER", "the next available register of the sequence is used");
static SSE: Rule = rule("SSE", "the next available vector register is used");
static X87: Rule = rule("X87", "the value is returned on the X87 stack in st0");
static COMPLEX_X87: Rule = rule("COMPLEX_X87", "the real part is returned in st0, the imaginary part in st1");
static LARGE: Rule = rule("MEMORY", "1. larger than eight eightbytes");
static UNALIGNED: Rule = rule("MEMORY", "1. contains unaligned fields");
static X87_SHARED: Rule = rule("MEMORY", "4(e) an eightbyte of class X87 shared with another class");
static LONE_X87UP: Rule = rule("MEMORY", "5(b) X87UP is not preceded by X87");
static NO_VECTOR: Rule = rule("MEMORY", "5(c) exceeds two eightbytes and is not one vector");
static X87_PASSED: Rule = rule("X87", "class X87, X87UP or COMPLEX_X87 is passed in memory");
static NO_REGISTER: Rule = rule("MEMORY", "no registers available for any eightbyte: passed on the stack");
static HIDDEN: Rule = rule("MEMORY", "the caller provides space and passes its address as a first argument");
static VARIABLE: Rule = Rule {
    class: "MEMORY",
    section: "psABI 3.5.7",
    text: "a variable __m256 or __m512 is passed on the stack",
};
static EMPTY: Rule = Rule { class: "NO_CLASS", section: "gcc", text: "no size, no eightbyte, no place" };

/// The classes of an eightbyte.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "NO_CLASS is the document's name")]
enum Class {
    Integer,
    Sse,
    SseUp,
    X87,
    X87Up,
    ComplexX87,
    NoClass,
}

/// The whole value has class MEMORY, for this reason.
struct Memory(&'static Rule);

// Classification: "The size of each argument gets rounded up to eightbytes."

/// A value of at most eight eightbytes, and their classes.
struct Eightbytes {
    classes: [Class; 8],
    size: u32,
    /// Not in the document: gcc and clang widen to 32 bits in the caller, and clang's callees rely on it.
    extension: Extension,
}

/// "The basic types are assigned their natural classes": that of the first eightbyte, and of those after it.
fn natural_classes(scalar: Scalar) -> (Class, Class) {
    match scalar {
        // "Arguments of types […] _Bool, char, short, int, long, long long, and pointers are in the INTEGER class."
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 => {
            (Class::Integer, Class::NoClass)
        }
        Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 | Scalar::Pointer => {
            (Class::Integer, Class::NoClass)
        }
        // "__int128 is treated as if it were implemented as […] struct { long low, high; }."
        Scalar::I128 | Scalar::U128 => (Class::Integer, Class::Integer),
        Scalar::Float(float) => match float {
            // "Arguments of types _Float16, float, double, _Decimal32, _Decimal64 and __m64 are in class SSE."
            // "Arguments of types __float128, _Decimal128 and __m128 are split into two halves": SSE and SSEUP.
            Float::F16 | Float::F32 | Float::F64 | Float::F128 => (Class::Sse, Class::SseUp),
            // "The 64-bit mantissa of arguments of type long double belongs to class X87, the 16-bit exponent plus
            // 6 bytes of padding belongs to class X87UP."
            Float::X87 => (Class::X87, Class::X87Up),
        },
    }
}

/// 4. "The resulting class is calculated according to the classes of the fields in the eightbyte."
fn merge(a: Class, b: Class) -> Result<Class, Memory> {
    use Class::{ComplexX87, Integer, NoClass, Sse, SseUp, X87, X87Up};
    match (a, b) {
        // (a) "If both classes are equal, this is the resulting class."
        (a, b) if a == b => Ok(a),
        // (b) "If one of the classes is NO_CLASS, the resulting class is the other class."
        (NoClass, other) | (other, NoClass) => Ok(other),
        // (c) "If one of the classes is MEMORY, the result is the MEMORY class": has happened as an error.
        // (d) "If one of the classes is INTEGER, the result is the INTEGER."
        (Integer, _) | (_, Integer) => Ok(Integer),
        // (e) "If one of the classes is X87, X87UP, COMPLEX_X87 class, MEMORY is used as class."
        (X87 | X87Up | ComplexX87, _) | (_, X87 | X87Up | ComplexX87) => Err(Memory(&X87_SHARED)),
        // (f) "Otherwise class SSE is used."
        (Sse | SseUp, Sse | SseUp) => Ok(Sse),
    }
}

impl Eightbytes {
    fn classify(ty: &Type, size: Size) -> Result<Eightbytes, Memory> {
        // 1. "If the size of an object is larger than eight eightbytes […] it has class MEMORY."
        let size = match u32::try_from(size.bytes()) {
            Ok(bytes) if bytes <= 64 => bytes,
            Ok(_) | Err(_) => return Err(Memory(&LARGE)),
        };
        // 3. "Each eightbyte gets initialized to class NO_CLASS."
        let extension = if let Type::Scalar(scalar) = ty { widening(*scalar) } else { Extension::None };
        let mut eightbytes = Eightbytes { classes: [Class::NoClass; 8], size, extension };
        if let Type::Complex(Float::X87) = ty {
            // "A variable of type complex long double is classified as type COMPLEX_X87."
            eightbytes.classes[0] = Class::ComplexX87;
            return Ok(eightbytes);
        }
        eightbytes.field(ty, 0)?;
        eightbytes.clean_up()?;
        Ok(eightbytes)
    }

    /// 4. "Each field of an object is classified recursively so that always two fields are considered."
    fn field(&mut self, ty: &Type, offset: u64) -> Result<(), Memory> {
        let size = size_of(ty).bytes();
        match ty {
            Type::Scalar(scalar) => self.basic(offset, size, natural_classes(*scalar)),
            // "__m256 [is] split into four eightbyte chunks. The least significant one belongs to class SSE and all
            // the others to class SSEUP." __m64, __m128 and __m512 likewise.
            Type::Vector(_) => self.basic(offset, size, (Class::Sse, Class::SseUp)),
            // "Arguments of complex T […] are treated as if they are implemented as […] struct { T real; T imag; }."
            Type::Complex(float) => [0, size / 2].into_iter().try_for_each(|part| {
                self.basic(offset + part, size / 2, natural_classes(Scalar::Float(*float)))
            }),
            Type::Array(array) => {
                let stride = size_of(&array.element).bytes();
                let len = size.checked_div(stride).unwrap_or(0);
                (0..len).try_for_each(|index| self.field(&array.element, offset + index * stride))
            }
            Type::Record(record) => record.fields.iter().try_for_each(|field| match field.place {
                Place::Bytes(at) => self.field(&field.ty, offset + at.bytes()),
                // Not in the document: gcc has bit-fields as INTEGER, aligned or not, with a name or without.
                Place::Bits { first, width } => {
                    let bytes = (first % 8 + u64::from(width)).div_ceil(8);
                    self.touch(offset + first / 8, bytes, (Class::Integer, Class::Integer))
                }
            }),
        }
    }

    /// A field of a basic type, whose alignment on x86-64 is its size.
    fn basic(&mut self, offset: u64, size: u64, classes: (Class, Class)) -> Result<(), Memory> {
        // 1. "[…] or it contains unaligned fields, it has class MEMORY."
        if !offset.is_multiple_of(size) {
            return Err(Memory(&UNALIGNED));
        }
        self.touch(offset, size, classes)
    }

    /// Merges a class into the first eightbyte that these bytes touch, and another into those after it.
    fn touch(&mut self, offset: u64, size: u64, (first, rest): (Class, Class)) -> Result<(), Memory> {
        let mut class = first;
        for (start, merged) in (0u64..).step_by(8).zip(&mut self.classes) {
            if start < offset + size && offset < start + 8 {
                *merged = merge(*merged, class)?;
                class = rest;
            }
        }
        Ok(())
    }

    /// 5. "Then a post merger cleanup is done."
    fn clean_up(&mut self) -> Result<(), Memory> {
        let mut before = Class::NoClass;
        for (start, class) in (0u32..).step_by(8).zip(&mut self.classes) {
            // (b) "If X87UP is not preceded by X87, the whole argument is passed in memory."
            if *class == Class::X87Up && before != Class::X87 {
                return Err(Memory(&LONE_X87UP));
            }
            // (c) "If the size of the aggregate exceeds two eightbytes and the first eightbyte isn't SSE or any other
            // eightbyte isn't SSEUP, the whole argument is passed in memory."
            let of_vector = if start == 0 { Class::Sse } else { Class::SseUp };
            if self.size > 16 && start < self.size && *class != of_vector {
                return Err(Memory(&NO_VECTOR));
            }
            // (d) "If SSEUP is not preceded by SSE or SSEUP, it is converted to SSE."
            if *class == Class::SseUp && !matches!(before, Class::Sse | Class::SseUp) {
                *class = Class::Sse;
            }
            before = *class;
        }
        Ok(())
    }
}

// Passing: "Once arguments are classified, the registers get assigned (in left-to-right order)".

/// Plans a call.
pub(super) fn classify(signature: &Signature) -> Result<CallPlan, Error> {
    let mut draft = Draft::new(&SYSV64, signature);
    // Returning 1. "Classify the return type with the classification algorithm." 2. "If the type has class MEMORY, then
    // the caller […] passes the address of this storage in %rdi as if it were the first argument to the function."
    let returned = signature.result().map(|ty| Eightbytes::classify(ty, size_of(ty)));
    let hidden = if let Some(Err(_)) = returned { draft.registers.next_gp() } else { None };
    for (index, ty) in signature.params().iter().enumerate() {
        let named = signature.fixed().is_none_or(|fixed| index < fixed);
        let size = size_of(ty);
        let passing = match ty {
            Type::Scalar(scalar) if size <= Size::of(8) => pass_scalar(&mut draft, *scalar, size)?,
            _ if size == Size::ZERO => Passing::Ignored(&EMPTY),
            Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => {
                pass_eightbytes(&mut draft, ty, size, named)?
            }
        };
        draft.arg(ty, size, passing)?;
    }
    // "%al is used as hidden argument to specify the number of vector registers used."
    let vectors = SYSV64.vector_params.len() - draft.registers.vectors_left();
    let vector_count = signature.fixed().and_then(|_| u8::try_from(vectors).ok());
    let result = match (hidden, returned) {
        // 2. "On return %rax will contain the address that has been passed in by the caller in %rdi."
        (Some(pointer), _) => ResultPlan::Hidden {
            pointer: Location::Gp(pointer),
            returned: Location::Gp(SYSV64.hidden_returned),
            rule: &HIDDEN,
        },
        (None, Some(Ok(eightbytes))) if eightbytes.size > 0 => returning(&mut draft, &eightbytes),
        (None, _) => ResultPlan::None,
    };
    draft.finish(result, signature.result(), vector_count)
}

/// The short way for a scalar of one eightbyte.
fn pass_scalar(draft: &mut Draft, scalar: Scalar, size: Size) -> Result<Passing, Error> {
    let register = match natural_classes(scalar).0 {
        // 2. "If the class is INTEGER, the next available register of the sequence […] is used."
        Class::Integer => draft.registers.next_gp().map(|register| (Location::Gp(register), &INTEGER)),
        // 3. "If the class is SSE, the next available vector register is used."
        Class::Sse => draft.registers.next_vector().map(|register| (Location::Vector(register), &SSE)),
        Class::SseUp | Class::X87 | Class::X87Up | Class::ComplexX87 | Class::NoClass => None,
    };
    let (location, rule) = match register {
        Some(place) => place,
        None => (draft.stack_slot(size, Align::ONE)?, &NO_REGISTER),
    };
    Ok(Passing::Direct(draft.whole(size, location, widening(scalar), rule)?))
}

/// Any other value.
fn pass_eightbytes(draft: &mut Draft, ty: &Type, size: Size, named: bool) -> Result<Passing, Error> {
    let memory = match Eightbytes::classify(ty, size) {
        // 1. "If the class is MEMORY, pass the argument on the stack at an address respecting the arguments
        // alignment (which might be more than its natural alignment)."
        Err(Memory(rule)) => rule,
        // 5. "If the class is X87, X87UP or COMPLEX_X87, it is passed in memory."
        Ok(Eightbytes { classes: [Class::X87 | Class::ComplexX87, ..], .. }) => &X87_PASSED,
        // 3.5.7: "When __m256 or __m512 is passed as variable-argument, it should always be passed on stack."
        Ok(_) if !named && size > Size::of(16) => &VARIABLE,
        Ok(eightbytes) if eightbytes.fit(&draft.registers) => {
            let start = draft.mark();
            eightbytes.assign(&mut draft.registers, &mut draft.moves);
            return Ok(Passing::Direct(draft.since(start)));
        }
        // "If there are no registers available for any eightbyte of an argument, the whole argument is passed on the
        // stack. If registers have already been assigned for some […], the assignments get reverted."
        Ok(_) => &NO_REGISTER,
    };
    let location = draft.stack_slot(size, align_of(ty))?;
    Ok(Passing::Direct(draft.whole(size, location, Extension::None, memory)?))
}

impl Eightbytes {
    /// Whether the registers left are enough.
    fn fit(&self, registers: &Registers) -> bool {
        let count = |class| self.classes.iter().filter(|&&other| other == class).count();
        registers.have(count(Class::Integer), count(Class::Sse))
    }

    /// Gives each eightbyte its register.
    fn assign(&self, registers: &mut Registers, moves: &mut Vec<Move>) {
        for (offset, &class) in (0u32..).step_by(8).zip(&self.classes) {
            let width = self.size.saturating_sub(offset).min(8);
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
            let extension = self.extension;
            moves.extend(location.map(|location| Move { offset, width, location, extension, rule }));
        }
    }
}

// Returning of values.

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
