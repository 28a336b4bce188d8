//! From what clang makes of a signature to registers and stack bytes, on AArch64: what LLVM's `CC_AArch64_AAPCS`,
//! `CC_AArch64_DarwinPCS` with `_VarArg`, `CC_AArch64_Win64_VarArg` and `RetCC_AArch64_AAPCS` do with its types.

use super::ir::{Call, Ty, Value};
use super::sample::Sample;
use crate::Place;
use callsmith::arch::abi::Aapcs64;
use callsmith::arch::layout::Type;
use callsmith::arch::plan::{Extension, Location};

/// What an argument of a call asks for.
#[derive(Clone, Copy)]
enum Wants {
    /// `i1` to `i64`, `ptr`: an integer register.
    Word { size: u32 },
    /// `i128`.
    TwoWords,
    /// `half` to `fp128`, `<n x t>`: a vector register.
    Vector { size: u32 },
    /// `[n x i64]`, `[n x ptr]`: so many integer registers, or none.
    Words { count: u32 },
    /// `[n x float]` and the like: so many vector registers, or none.
    Vectors { count: u32, size: u32, align: u32 },
}

impl Wants {
    fn of(value: &Value) -> Result<Wants, String> {
        let unknown = || format!("{value:?} is no argument that is known here");
        Ok(match &value.ty {
            Ty::Int(128) => Wants::TwoWords,
            Ty::Int(_) | Ty::Ptr => Wants::Word { size: value.ty.size().ok_or_else(unknown)? },
            Ty::Float(_) | Ty::Vector(..) => Wants::Vector { size: value.ty.size().ok_or_else(unknown)? },
            Ty::Array(count, element) => match **element {
                Ty::Int(64) | Ty::Ptr => Wants::Words { count: *count },
                Ty::Float(_) | Ty::Vector(..) => {
                    let size = element.size().ok_or_else(unknown)?;
                    // Without `alignstack` it is the element's.
                    let align = value.number("alignstack").unwrap_or(size.min(16));
                    Wants::Vectors { count: *count, size, align }
                }
                _ => return Err(unknown()),
            },
            Ty::Void | Ty::Struct(_) => return Err(unknown()),
        })
    }
}

/// Registers and stack, as LLVM hands them out.
struct State {
    system: Aapcs64,
    words: u8,
    vectors: u8,
    stack: u32,
}

impl State {
    fn on_stack(&mut self, size: u32, align: u32) -> Vec<Location> {
        // Linux and Windows have no smaller places than 8 bytes, Darwin has.
        let least = if self.system == Aapcs64::Darwin { 1 } else { 8 };
        let start = self.stack.next_multiple_of(align.max(least));
        self.stack = (start + size).next_multiple_of(least);
        vec![Location::Stack(start)]
    }

    fn take_words(&mut self, count: u32) -> Option<Vec<Location>> {
        let count = u8::try_from(count).ok().filter(|count| self.words + count <= 8)?;
        let first = self.words;
        self.words += count;
        Some((first..first + count).map(Location::Gp).collect())
    }

    fn take_vectors(&mut self, count: u32) -> Option<Vec<Location>> {
        let count = u8::try_from(count).ok().filter(|count| self.vectors + count <= 8)?;
        let first = self.vectors;
        self.vectors += count;
        Some((first..first + count).map(Location::Vector).collect())
    }

    /// An argument of a function that is not variadic, and of any on Linux.
    fn named(&mut self, wants: Wants) -> Vec<Location> {
        match wants {
            Wants::Word { size } => self.take_words(1).unwrap_or_else(|| self.on_stack(size, size)),
            Wants::Vector { size } => self.take_vectors(1).unwrap_or_else(|| self.on_stack(size, size)),
            Wants::TwoWords => {
                // "i128 is split to two i64s, we can't fit half to register X7": x0, x2, x4 or x6. Not on Darwin.
                if self.system != Aapcs64::Darwin {
                    self.words = self.words.next_multiple_of(2);
                }
                self.take_words(2).unwrap_or_else(|| {
                    self.words = 8;
                    self.on_stack(16, 16)
                })
            }
            Wants::Words { count } => self.take_words(count).unwrap_or_else(|| {
                self.words = 8;
                self.on_stack(8 * count, 8)
            }),
            Wants::Vectors { count, size, align } => self.take_vectors(count).unwrap_or_else(|| {
                self.vectors = 8;
                self.on_stack(count * size, align)
            }),
        }
    }

    /// A variable argument on Darwin.
    fn slots(&mut self, wants: Wants) -> Vec<Location> {
        self.stack = self.stack.next_multiple_of(8);
        let place = match wants {
            Wants::Word { .. } => self.on_stack(8, 8),
            Wants::Vector { size } => self.on_stack(size.max(8), size.max(8)),
            Wants::TwoWords => self.on_stack(16, 16),
            Wants::Words { count } => self.on_stack(8 * count, 8),
            Wants::Vectors { count, size, align } => self.on_stack(count * size, align.max(8)),
        };
        self.stack = self.stack.next_multiple_of(8);
        place
    }

    /// Any argument of a variadic function on Windows: as integers, and only there a value may lie in both.
    fn integers(&mut self, wants: Wants) -> Vec<Location> {
        match wants {
            Wants::Word { .. } | Wants::Vector { size: ..=8 } => self.named(Wants::Word { size: 8 }),
            Wants::TwoWords => self.named(wants),
            Wants::Words { count } => {
                let left = u32::from(8 - self.words);
                let mut places = self.take_words(count.min(left)).unwrap_or_default();
                if count > left {
                    places.extend(self.on_stack(8 * (count - left), 8));
                }
                places
            }
            // Left out.
            Wants::Vector { .. } | Wants::Vectors { .. } => Vec::new(),
        }
    }
}

/// Where clang and LLVM have everything; `None` where clang is no judge.
pub(crate) fn places(
    system: Aapcs64,
    sample: &Sample,
    call: &Call,
) -> Result<Option<(Vec<Place>, Place)>, String> {
    let params = sample.params();
    // clang passes no struct without members. gcc, the compiler of Linux, passes those that have bytes.
    if system == Aapcs64::Linux && sample.has_memberless() {
        return Ok(None);
    }
    // Of those, clang passes one that has bytes where it has a flexible array, which arch tells from an array of no elements
    // as little as C programs do: neither has a use there.
    if system != Aapcs64::Linux && sample.has_memberless_flexible() {
        return Ok(None);
    }
    // In variadic functions on Windows LLVM leaves short vectors in vector registers, where clang's callees do not look
    // for them, and where the document says that there are none.
    let short_vectors =
        params.iter().any(|ty| matches!(ty, Type::Vector(vector) if vector.size.bytes() <= 16));
    if system == Aapcs64::Windows && sample.fixed.is_some() && short_vectors {
        return Ok(None);
    }
    let mut state = State { system, words: 0, vectors: 0, stack: 0 };
    let mut args = call.args.iter().peekable();
    let hidden = args.next_if(|arg| arg.has("sret"));
    let mut places = Vec::new();
    for (index, (ty, memberless)) in params.iter().zip(sample.memberless()).enumerate() {
        if memberless {
            places.push(Place::Nowhere);
            continue;
        }
        let arg = args.next().ok_or("clang passes fewer arguments")?;
        let wants = Wants::of(arg)?;
        let pieces = match (system, sample.fixed) {
            (Aapcs64::Darwin, Some(fixed)) if index >= fixed => state.slots(wants),
            (Aapcs64::Windows, Some(_)) => state.integers(wants),
            (Aapcs64::Linux | Aapcs64::Darwin | Aapcs64::Windows, _) => state.named(wants),
        };
        // A struct of one pointer passes as `ptr`, too.
        let is_reference = arg.ty == Ty::Ptr && ty.size(sample.model).bytes() > 8;
        places.push(match pieces[..] {
            [place] if is_reference => Place::Address(place),
            [Location::Gp(_)] => Place::Pieces(pieces, arg.extension()),
            _ => Place::Pieces(pieces, Extension::None),
        });
    }
    if args.next().is_some() {
        return Err("clang passes more arguments".into());
    }
    let result = match hidden {
        // "An SRet is passed in X8, not X0 like a normal pointer parameter."
        Some(_) => Place::Address(Location::Gp(8)),
        None => result(&call.result)?,
    };
    Ok(Some((places, result)))
}

/// Results: integers from x0 on, all else from v0 on.
fn result(value: &Value) -> Result<Place, String> {
    let flat = value.ty.flat();
    let mut places = Vec::new();
    for (number, ty) in (0..).zip(&flat) {
        match ty {
            Ty::Int(128) if flat.len() == 1 => places.extend([Location::Gp(0), Location::Gp(1)]),
            Ty::Int(..=64) | Ty::Ptr => places.push(Location::Gp(number)),
            Ty::Float(_) | Ty::Vector(..) => places.push(Location::Vector(number)),
            Ty::Int(_) | Ty::Void | Ty::Array(..) | Ty::Struct(_) => {
                return Err(format!("a result of {ty:?}"));
            }
        }
    }
    match places[..] {
        [] => Ok(Place::Nowhere),
        [Location::Gp(_)] => Ok(Place::Pieces(places, value.extension())),
        _ => Ok(Place::Pieces(places, Extension::None)),
    }
}
