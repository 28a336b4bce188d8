//! From what clang makes of a signature to registers and stack bytes, on x86-64: what LLVM's `CC_X86_64_C`,
//! `CC_X86_Win64_C`, `RetCC_X86_64_C` and `RetCC_X86_Win64_C` do with its types.

use super::ir::{Call, Ty, Value};
use super::sample::Sample;
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
pub(crate) fn sysv64(sample: &Sample, call: &Call) -> Result<Option<(Vec<Place>, Place)>, String> {
    // gcc has a vector of one double in memory.
    let one_double = |c: &CType| matches!(c, CType::Vector { lane: CScalar::Double, bytes: 8 });
    // "5(c) […] and all other eightbytes aren't SSEUP": clang takes the padding behind a vector for a part of it.
    let padded = |c: &CType| matches!(c, CType::Record(record) if record.align.is_some() || record.is_union);
    let wide = |c: &CType| matches!(c, CType::Vector { bytes: 16.., .. } | CType::Scalar(CScalar::Float128));
    if sample.any_type(one_double) || sample.any_type(padded) && sample.any_type(wide) {
        return Ok(None);
    }
    let mut state = State { words: 0, vectors: 0, stack: 0 };
    let (hidden, mut args) = parameters(sample, call)?;
    if hidden {
        state.words = 1;
    }
    let mut places = Vec::new();
    for (ty, values) in sample.params().iter().zip(&mut args) {
        let mut pieces = Vec::new();
        for value in values.iter() {
            pieces.extend(state.place(value, ty, sample)?);
        }
        let extension = match values[..] {
            [value] => extension(value),
            _ => Extension::None,
        };
        places.push(if pieces.is_empty() { Place::Nowhere } else { Place::Pieces(pieces, extension) });
    }
    let result = if hidden { Place::Address(Location::Gp(WORDS[0])) } else { result(&call.result)? };
    Ok(Some((places, result)))
}

/// Windows: where clang and LLVM have everything; `None` where clang is no judge.
pub(crate) fn win64(sample: &Sample, call: &Call) -> Result<Option<(Vec<Place>, Place)>, String> {
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
    let (hidden, args) = parameters(sample, call)?;
    let mut places = Vec::new();
    for (position, (ty, values)) in (usize::from(hidden)..).zip(types.iter().zip(&args)) {
        let [value] = values[..] else { return Err(format!("{} values for {ty:?}", values.len())) };
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
                let place = register.map_or(Location::Stack(beyond), Location::Vector);
                Place::Pieces(vec![place], Extension::None)
            }
            // "128 bit vectors are passed by pointer", and so are wider ones.
            Ty::Vector(..) => Place::Address(word),
            other => return Err(format!("an argument of {other:?}")),
        });
    }
    let result = if hidden { Place::Address(Location::Gp(POSITIONS[0])) } else { result(&call.result)? };
    Ok(Some((places, result)))
}

/// Whether the result's address passes, and which values pass for each parameter: clang names them after it, and those
/// that it makes pointers, without a name, stand in order.
fn parameters<'c>(sample: &Sample, call: &'c Call) -> Result<(bool, Vec<Vec<&'c Value>>), String> {
    let mut values: Vec<Vec<&Value>> = sample.params().iter().map(|_| Vec::new()).collect();
    let hidden = call.args.first().is_some_and(|arg| arg.has("sret"));
    let args = call.args.iter().skip(usize::from(hidden));
    let (named, nameless): (Vec<&Value>, Vec<&Value>) = args.partition(|arg| arg.parameter().is_some());
    for value in named {
        let place = value.parameter().and_then(|number| values.get_mut(number));
        place.ok_or_else(|| format!("{value:?} is of no parameter"))?.push(value);
    }
    let passes = sample.memberless().into_iter().map(|memberless| !memberless);
    let free = values.iter_mut().zip(passes).filter(|(values, passes)| values.is_empty() && *passes);
    let mut nameless = nameless.into_iter();
    for ((values, _), value) in free.zip(&mut nameless) {
        values.push(value);
    }
    match nameless.next() {
        Some(value) => Err(format!("{value:?} is of no parameter")),
        None => Ok((hidden, values)),
    }
}

/// What clang promises of a register's rest.
fn extension(value: &Value) -> Extension {
    match (value.has("signext"), value.has("zeroext")) {
        (true, _) => Extension::Sign,
        (_, true) => Extension::Zero,
        (false, false) => Extension::None,
    }
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
