//! From what clang makes of a signature to registers and stack bytes, on x86-64: what LLVM's `CC_X86_64_C`,
//! `CC_X86_Win64_C`, `RetCC_X86_64_C` and `RetCC_X86_Win64_C` do with its types.

use super::ir::{Call, Ty, Value};
use super::sample::{Sample, any_inside};
use crate::Place;
use crate::support::ctype::{CScalar, CType};
use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::arch::plan::{Extension, Location};

/// `rdi, rsi, rdx, rcx, r8, r9`.
const WORDS: [u8; 6] = [7, 6, 2, 1, 8, 9];
/// `rax, rdx`.
const RESULTS: [u8; 2] = [0, 2];
/// `rcx, rdx, r8, r9`.
const POSITIONS: [u8; 4] = [1, 2, 8, 9];

/// What LLVM has handed out so far under System V.
struct State {
    words: usize,
    vectors: u8,
    stack: u32,
    variadic: bool,
}

impl State {
    fn on_stack(&mut self, size: u32, align: u32) -> Location {
        let start = self.stack.next_multiple_of(align.max(8));
        self.stack = (start + size).next_multiple_of(8);
        Location::Stack(start)
    }

    /// A parameter that clang passes as one value of LLVM's, or as the pieces of a struct.
    fn place(&mut self, value: &Value, ty: &Type, sample: &Sample) -> Result<Vec<Location>, String> {
        if value.has("byval") {
            let size = u32::try_from(ty.size(sample.model).bytes()).map_err(|error| error.to_string())?;
            let align = value.word_after("align").ok_or("byval without an alignment")?;
            return Ok(vec![self.on_stack(size, align)]);
        }
        let size = value.ty.size().ok_or_else(|| format!("an argument of {:?}", value.ty))?;
        Ok(match &value.ty {
            // "i128 can be either passed in two i64 registers, or on the stack, but not split."
            Ty::Int(128) => match WORDS.get(self.words..self.words + 2) {
                Some(&[low, high]) => {
                    self.words += 2;
                    vec![Location::Gp(low), Location::Gp(high)]
                }
                Some(_) | None => vec![self.on_stack(16, 16)],
            },
            Ty::Int(_) | Ty::Ptr => match WORDS.get(self.words) {
                Some(&register) => {
                    self.words += 1;
                    vec![Location::Gp(register)]
                }
                None => vec![self.on_stack(8, 8)],
            },
            Ty::Float(10) => vec![self.on_stack(16, 16)],
            // "The first 8 256-bit vector arguments are passed in YMM registers, unless this is a vararg function."
            Ty::Vector(..) if self.variadic && size > 16 => vec![self.on_stack(size, size)],
            Ty::Float(_) | Ty::Vector(..) if self.vectors < 8 => {
                self.vectors += 1;
                vec![Location::Vector(self.vectors - 1)]
            }
            Ty::Float(_) | Ty::Vector(..) => vec![self.on_stack(size.max(8), size.max(8))],
            Ty::Void | Ty::Array(..) | Ty::Struct(_) => return Err(format!("an argument of {:?}", value.ty)),
        })
    }
}

/// System V: where clang and LLVM have everything; `None` where clang is no judge.
pub(crate) fn sysv64(
    sample: &Sample,
    call: &Call,
    shapes: &[usize],
) -> Result<Option<(Vec<Place>, Place)>, String> {
    // "5(c) […] and all other eightbytes aren't SSEUP": clang takes the padding behind a vector for a part of it, and a member
    // without a place, too.
    if sample.any_type(is_padded_vector) {
        return Ok(None);
    }
    let (hidden, args) = call.grouped(shapes)?;
    // LLVM puts a vector of 32 or 64 bytes on the stack wherever a function is variadic, where gcc and the psABI ("when passed
    // as variable-argument") put none but those behind the `...`: gcc's `float f(__m256 a, ...) { return a[0]; }` is a `ret`.
    let is_wide = |value: &Value| matches!(&value.ty, Ty::Vector(..)) && value.ty.size() > Some(16);
    if args.iter().take(sample.fixed.unwrap_or(0)).any(|values| values.iter().any(is_wide)) {
        return Ok(None);
    }
    let mut state = State {
        words: usize::from(hidden.is_some()),
        vectors: 0,
        stack: 0,
        variadic: sample.fixed.is_some(),
    };
    let mut places = Vec::new();
    for (ty, values) in sample.params().iter().zip(&args) {
        let mut pieces = Vec::new();
        for value in values.iter() {
            pieces.extend(state.place(value, ty, sample)?);
        }
        let extension = match values {
            [value] => value.extension(),
            _ => Extension::None,
        };
        places.push(if pieces.is_empty() { Place::Nowhere } else { Place::Pieces(pieces, extension) });
    }
    let result = match hidden {
        Some(_) => Place::Address(Location::Gp(WORDS[0])),
        None => result(&call.result)?,
    };
    Ok(Some((places, result)))
}

fn is_padded_vector(c: &CType) -> bool {
    let padded = |c: &CType| matches!(c, CType::Record(record) if record.align.is_some() || record.is_union || record.members.is_empty());
    let wide = |c: &CType| matches!(c, CType::Vector { bytes: 16.., .. } | CType::Scalar(CScalar::Float128));
    matches!(c, CType::Record(_)) && any_inside(c, padded) && any_inside(c, wide)
}

/// Windows: where clang and LLVM have everything; `None` where clang is no judge.
pub(crate) fn win64(
    sample: &Sample,
    call: &Call,
    shapes: &[usize],
) -> Result<Option<(Vec<Place>, Place)>, String> {
    let types = sample.params();
    // Microsoft's __m64 passes as an integer; clang's vectors of 8 bytes are another matter.
    let short = |ty: &Type| matches!(ty, Type::Vector(vector) if vector.size.bytes() == 8);
    // gcc returns __float128 through memory, and has no address for a result of no size.
    let returned = |ty: &Type| match ty {
        Type::Scalar(scalar) => *scalar == Scalar::Float(Float::F128),
        _ => ty.size(sample.model).bytes() == 0,
    };
    if types.iter().chain(&sample.result_type()).any(short) || sample.result_type().iter().any(returned) {
        return Ok(None);
    }
    // gcc has a struct of 8 bytes with a flexible array in rax, clang in memory.
    if sample.result_any(|c| matches!(c, CType::Array { len: None, .. })) {
        return Ok(None);
    }
    let (hidden, args) = call.grouped(shapes)?;
    let mut places = Vec::new();
    for (position, (ty, values)) in (usize::from(hidden.is_some())..).zip(types.iter().zip(&args)) {
        let [value] = values else { return Err(format!("{} values for {ty:?}", values.len())) };
        let beyond = u32::try_from(position).map_err(|error| error.to_string())? * 8;
        let word =
            POSITIONS.get(position).map_or(Location::Stack(beyond), |&register| Location::Gp(register));
        let is_pointer = matches!(ty, Type::Scalar(Scalar::Pointer));
        places.push(match &value.ty {
            Ty::Ptr if !is_pointer && !matches!(ty.size(sample.model).bytes(), 1 | 2 | 4 | 8) => {
                Place::Address(word)
            }
            Ty::Int(..=64) | Ty::Ptr => Place::Pieces(vec![word], Extension::None),
            Ty::Float(..=8) => {
                let register = u8::try_from(position).ok().filter(|&register| register < 4);
                let pieces = match register.map(Location::Vector) {
                    None => vec![Location::Stack(beyond)],
                    // "Win64 ABI requires argument XMM reg to be copied to the corresponding shadow reg if callee is a
                    // varargs function."
                    Some(register) if sample.fixed.is_some() => vec![register, word],
                    Some(register) => vec![register],
                };
                Place::Pieces(pieces, Extension::None)
            }
            // "128 bit vectors are passed by pointer", and so are wider ones.
            Ty::Vector(..) => Place::Address(word),
            other => return Err(format!("an argument of {other:?}")),
        });
    }
    let result = match hidden {
        Some(_) => Place::Address(Location::Gp(POSITIONS[0])),
        None => result(&call.result)?,
    };
    Ok(Some((places, result)))
}

/// Results: integers in rax and rdx, the x87's format on its stack, all else in xmm0 and xmm1. Nothing is promised of the
/// rest: `zeroext` on a result is for callers that want to believe it.
fn result(value: &Value) -> Result<Place, String> {
    let (mut words, mut vectors, mut x87) = (RESULTS.iter(), 0.., 0..);
    let mut places = Vec::new();
    let mut word = || words.next().map(|&register| Location::Gp(register)).ok_or("more than two integers");
    for ty in value.ty.flat() {
        match ty {
            Ty::Int(128) => places.extend([word()?, word()?]),
            Ty::Int(_) | Ty::Ptr => places.push(word()?),
            Ty::Float(10) => places.extend(x87.next().map(Location::X87)),
            Ty::Float(_) | Ty::Vector(..) => places.extend(vectors.next().map(Location::Vector)),
            Ty::Void | Ty::Array(..) | Ty::Struct(_) => return Err(format!("a result of {ty:?}")),
        }
    }
    Ok(if places.is_empty() { Place::Nowhere } else { Place::Pieces(places, Extension::None) })
}
