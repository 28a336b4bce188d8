//! From what clang makes of a signature to registers and stack bytes, on 32-bit x86: what LLVM's `CC_X86_32_C`,
//! `CC_X86_32_FastCall`, `CC_X86_32_ThisCall`, `CC_X86_32_Common` and `RetCC_X86_32_C` do with its types.

use super::ir::{Call, Ty, Value};
use super::sample::{Sample, any_inside, is_memberless};
use crate::Place;
use crate::support::ctype::{CScalar, CType};
use callsmith::arch::abi::{X86Call, X86Flavour};
use callsmith::arch::layout::{DataModel, Type};
use callsmith::arch::plan::{Extension, Location};

const EAX: u8 = 0;
const ECX: u8 = 1;
const EDX: u8 = 2;

/// What LLVM has handed out so far.
struct State<'s> {
    sample: &'s Sample,
    flavour: X86Flavour,
    /// What is left of the registers for integers.
    words: &'static [u8],
    /// Whether only those integers are for them that are marked so.
    marked: bool,
    vectors: u8,
    stack: u32,
}

impl State<'_> {
    fn on_stack(&mut self, size: u32, align: u32) -> Location {
        let start = self.stack.next_multiple_of(align.max(4));
        self.stack = (start + size).next_multiple_of(4);
        Location::Stack(start)
    }

    fn word(&mut self, value: &Value) -> Location {
        match self.words.split_first() {
            Some((&register, rest)) if value.has("inreg") || !self.marked => {
                self.words = rest;
                Location::Gp(register)
            }
            Some(_) | None => self.on_stack(4, 4),
        }
    }

    /// The result's address.
    fn hidden(&mut self, convention: X86Call) -> Location {
        match (convention, self.words.split_first()) {
            // "Pass sret arguments indirectly through stack", where the target is not mingw's.
            (X86Call::Thiscall, Some((&register, rest))) if self.flavour == X86Flavour::Mingw => {
                self.words = rest;
                Location::Gp(register)
            }
            _ => self.on_stack(4, 4),
        }
    }

    /// A value of LLVM's.
    fn place(&mut self, value: &Value, ty: &Type) -> Result<Location, String> {
        if value.has("byval") {
            let size =
                u32::try_from(ty.size(self.sample.model).bytes()).map_err(|error| error.to_string())?;
            let align = value.word_after("align").ok_or("byval without an alignment")?;
            return Ok(self.on_stack(size, align));
        }
        let size = value.ty.size().ok_or_else(|| format!("an argument of {:?}", value.ty))?;
        Ok(match &value.ty {
            Ty::Int(..=32) | Ty::Ptr => self.word(value),
            Ty::Int(64) | Ty::Float(..=8) => self.on_stack(size, 4),
            Ty::Float(10) => self.on_stack(12, 4),
            // "i128 and fp128 need to be passed on the stack with a higher alignment than their legal types."
            Ty::Float(_) => self.on_stack(size, 16),
            // The first three vectors in registers, unless this is a vararg function.
            Ty::Vector(..) if self.vectors < 3 && self.sample.fixed.is_none() => {
                self.vectors += 1;
                Location::Vector(self.vectors - 1)
            }
            // For MSVC LLVM aligns nothing on the stack.
            Ty::Vector(..) if self.flavour == X86Flavour::Msvc => self.on_stack(size, 4),
            Ty::Vector(..) => self.on_stack(size, size),
            Ty::Int(_) | Ty::Void | Ty::Array(..) | Ty::Struct(_) => {
                return Err(format!("an argument of {:?}", value.ty));
            }
        })
    }
}

/// Where clang and LLVM have everything; `None` where clang is no judge.
pub(crate) fn places(
    convention: X86Call,
    flavour: X86Flavour,
    sample: &Sample,
    call: &Call,
    shapes: &[usize],
) -> Result<Option<(Vec<Place>, Place)>, String> {
    let (hidden, args) = call.grouped(shapes)?;
    // LLVM makes a hidden address of a result that no register takes, too.
    let hidden = hidden.is_some() || call.result.ty == Ty::Float(16);
    if !is_judge(convention, flavour, sample, hidden) {
        return Ok(None);
    }
    let words: &[u8] = match (convention, sample.fixed) {
        (X86Call::Cdecl | X86Call::Stdcall, _) | (_, Some(_)) => &[],
        (X86Call::Fastcall, None) => &[ECX, EDX],
        (X86Call::Thiscall, None) => &[ECX],
    };
    let marked = convention == X86Call::Fastcall;
    let mut state = State { sample, flavour, words, marked, vectors: 0, stack: 0 };
    let hidden = hidden.then(|| state.hidden(convention));
    let mut places = Vec::new();
    for (ty, values) in sample.params().iter().zip(&args) {
        let pieces = values.iter().map(|value| state.place(value, ty)).collect::<Result<Vec<_>, String>>()?;
        places.push(match (values, &pieces[..]) {
            ([], _) => Place::Nowhere,
            ([value], &[place])
                if value.ty == Ty::Ptr && !value.has("byval") && ty.size(sample.model).bytes() > 4 =>
            {
                Place::Address(place)
            }
            ([value], &[place]) => Place::Pieces(vec![place], value.extension()),
            // A struct that is taken apart, which lies on the stack as it lay in memory.
            (_, &[first @ Location::Stack(_), ..]) => Place::Pieces(vec![first], Extension::None),
            _ => return Err(format!("a struct in {pieces:?}")),
        });
    }
    let result = match hidden {
        Some(place) => Place::Address(place),
        None => result(&call.result)?,
    };
    Ok(Some((places, result)))
}

/// Types on which clang and gcc, the compiler of Linux and mingw, agree. gcc has registers of MMX for vectors of 8 bytes, or
/// memory for one double, and clang has neither. gcc aligns on the stack what contains a vector ("SSE vectors and what contains
/// one"), clang vectors alone. gcc passes what has bytes but no values in them, clang does not; nor does clang pass all of a
/// union that is aligned to more than its members are large.
pub(crate) fn by_gcc(c: &CType) -> bool {
    let short = |c: &CType| matches!(c, CType::Vector { bytes: 8, .. });
    let wide = |c: &CType| matches!(c, CType::Vector { .. } | CType::Scalar(CScalar::Float128));
    let aligned = matches!(c, CType::Record(_)) && any_inside(c, wide);
    !(any_inside(c, short) || aligned || is_memberless(c) || any_inside(c, is_aligned_union))
}

fn is_aligned_union(c: &CType) -> bool {
    let CType::Record(record) = c else { return false };
    let aligned = record.align.is_some() || record.members.iter().any(|member| member.align.is_some());
    record.is_union && aligned
}

/// The same for `fastcall`. gcc counts a struct and a `long long` on the stack against the registers, but no complex number.
/// clang counts no `long long`, and the others, of which LLVM knows nothing for its part where they pass whole.
pub(crate) fn by_gcc_fastcall(c: &CType) -> bool {
    match c {
        CType::Scalar(scalar) => !matches!(scalar, CScalar::LongLong | CScalar::ULongLong),
        CType::Vector { .. } => by_gcc(c),
        CType::Complex(_) | CType::Record(_) | CType::Array { .. } => false,
    }
}

/// Whether clang's word counts.
fn is_judge(convention: X86Call, flavour: X86Flavour, sample: &Sample, hidden: bool) -> bool {
    // gcc gives a struct of one number back as it would give that, clang a struct or union of one float or double. And gcc
    // takes an array of no elements behind other members for a flexible one, and returns its struct through memory.
    let number = |c: &CType| matches!(c, CType::Record(_)) && any_inside(c, is_rare_number);
    if flavour == X86Flavour::Mingw
        && (sample.result_any(number) || sample.result_any(is_empty_array) || is_odd_result(sample))
    {
        return false;
    }
    match (flavour, convention) {
        (X86Flavour::Linux | X86Flavour::Mingw, X86Call::Cdecl | X86Call::Stdcall) => true,
        // To gcc the result's address is an argument as any other, and has the first register.
        (X86Flavour::Linux | X86Flavour::Mingw, X86Call::Fastcall) => !hidden,
        (X86Flavour::Linux, X86Call::Thiscall) => !hidden,
        (X86Flavour::Mingw, X86Call::Thiscall) => true,
        (X86Flavour::Msvc, _) => is_judge_for_msvc(sample),
    }
}

fn is_rare_number(c: &CType) -> bool {
    let number = |c: &CType| matches!(c, CType::Scalar(CScalar::Float | CScalar::Double));
    match c {
        CType::Scalar(scalar) => matches!(scalar, CScalar::Float16 | CScalar::LongDouble),
        CType::Complex(_) => true,
        CType::Record(record) => record.is_union && any_inside(c, number),
        CType::Vector { .. } | CType::Array { .. } => false,
    }
}

fn is_empty_array(c: &CType) -> bool {
    matches!(c, CType::Array { len: Some(0), .. })
}

fn is_judge_for_msvc(sample: &Sample) -> bool {
    // Behind a `...` clang's caller passes the address of the fourth vector, where its `va_arg` takes it for the vector.
    let vectors = sample.params().iter().filter(|ty| matches!(ty, Type::Vector(_))).count();
    let too_many = sample.fixed.is_some() && vectors > 3;
    // And of a union that is aligned to more than its members are large, it passes the member, where its `va_arg` takes it all.
    let cut = sample.fixed.is_some() && sample.any_type(is_aligned_union);
    // clang tells an array of no elements from a flexible one, arch does not, and Microsoft's C has neither.
    // A result with nothing in it is nowhere for clang, though it has a size of 4.
    !(too_many
        || cut
        || sample.any_type(is_empty_array)
        || sample.result_any(is_memberless)
        || is_odd_result(sample))
}

/// Whether the result is as large as registers, and something in it is not: clang returns that through memory, but not where
/// bit-fields are around, gcc always, and Microsoft's document has all "structures of 8 bytes or less" in registers.
fn is_odd_result(sample: &Sample) -> bool {
    fn is_odd(ty: &Type, model: &DataModel) -> bool {
        let inside = match ty {
            Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) => false,
            Type::Array(array) => is_odd(&array.element, model),
            Type::Record(record) => record.fields.iter().any(|field| is_odd(&field.ty, model)),
        };
        inside || !matches!(ty.size(model).bytes(), 1 | 2 | 4 | 8)
    }
    let is_small = |ty: &Type| matches!(ty, Type::Record(_)) && ty.size(sample.model).bytes() <= 8;
    sample.result_type().iter().any(|ty| is_small(ty) && is_odd(ty, sample.model))
}

/// Results: integers in eax and edx, what is a number for the x87 on its stack, all else in xmm0.
fn result(value: &Value) -> Result<Place, String> {
    let places = match &value.ty {
        Ty::Void => return Ok(Place::Nowhere),
        Ty::Int(..=32) | Ty::Ptr => vec![Location::Gp(EAX)],
        Ty::Int(64) => vec![Location::Gp(EAX), Location::Gp(EDX)],
        Ty::Float(4 | 8 | 10) => vec![Location::X87(0)],
        Ty::Vector(1, lane) if **lane == Ty::Float(8) => vec![Location::X87(0)],
        Ty::Float(2) | Ty::Vector(..) => vec![Location::Vector(0)],
        Ty::Int(_) | Ty::Float(_) | Ty::Array(..) | Ty::Struct(_) => {
            return Err(format!("a result of {:?}", value.ty));
        }
    };
    Ok(Place::Pieces(places, Extension::None))
}
