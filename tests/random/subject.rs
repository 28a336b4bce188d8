//! A case as C and as callsmith read it, with every scalar numbered.

use super::case::Case;
use super::spots::{Spot, spots};
use crate::support::ctype::{CType, Part, prelude};
use crate::support::rng::Rng;
use callsmith::arch::abi::X86Call;
use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::arch::{self, Abi, CallPlan, Signature, abi};
use callsmith::host;
use std::fmt::Write as _;

/// A value that passes: its type, its scalars, and their numbers.
pub(crate) struct Passed {
    pub(crate) c: CType,
    pub(crate) ty: Type,
    pub(crate) spots: Vec<Spot>,
    /// The field number of the first scalar; the others follow.
    pub(crate) first: u32,
    /// What its tags start with, as a C identifier.
    prefix: String,
    /// The C variable that it is in.
    pub(crate) variable: String,
}

/// A case with everything numbered.
pub(crate) struct Subject {
    pub(crate) symbol: String,
    pub(crate) case: Case,
    pub(crate) result: Option<Passed>,
    /// The fixed arguments, then those of the tail.
    pub(crate) args: Vec<Passed>,
}

impl Passed {
    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.ty.size(host::MODEL).bytes()).expect("types are small here")
    }

    /// The spots with their field numbers.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (u32, &Spot)> {
        (self.first..).zip(&self.spots)
    }

    /// How C names a spot of it.
    pub(crate) fn place(&self, spot: &Spot) -> String {
        let (variable, path) = (&self.variable, &spot.leaf.path);
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let whole = format!("{variable}{dot}{path}");
        match spot.leaf.part {
            Part::Whole => whole,
            Part::Real => format!("__real__ {whole}"),
            Part::Imaginary => format!("__imag__ {whole}"),
            Part::Lane(lane) => format!("{whole}[{lane}]"),
        }
    }

    /// Its type's definitions, and a name for it.
    pub(crate) fn type_text(&self) -> String {
        let mut text = prelude(host::MODEL);
        self.c.declare(&self.prefix, &mut text);
        preprocessed(&(text + &self.declarator("")))
    }

    /// A declaration of `name` with its type, without the semicolon.
    pub(crate) fn declarator(&self, name: &str) -> String {
        self.c.declarator(&self.prefix, name)
    }

    /// A line for each spot: `CHECK(…)` or `FILL(…)`.
    pub(crate) fn lines(&self, what: &str, out: &mut String) {
        for (field, spot) in self.fields() {
            let (kind, place) = (kind(spot.scalar), self.place(spot));
            let _ = match spot.leaf.bits {
                Some(bits) => writeln!(out, "    {what}_BITS({field}, {kind}, {bits}, {place})"),
                None => {
                    let ty = spot.leaf.scalar.spelling();
                    writeln!(out, "    {what}({field}, {kind}, {ty}, {place})")
                }
            };
        }
    }
}

/// What `runtime.c` calls the kind of a scalar.
fn kind(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "BOOL",
        Scalar::Float(Float::F16) => "F16",
        Scalar::Float(Float::F32) => "F32",
        Scalar::Float(Float::F64) => "F64",
        Scalar::Float(Float::X87) => "X87",
        Scalar::Float(Float::F128) => "F128",
        Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => "BITS",
        Scalar::I64 | Scalar::U64 | Scalar::I128 | Scalar::U128 | Scalar::Pointer => "BITS",
    }
}

/// C after the preprocessor: three scalars go by the names of gcc's macros.
fn preprocessed(text: &str) -> String {
    let text = text.replace("__SIZE_TYPE__", "size_t").replace("__PTRDIFF_TYPE__", "ptrdiff_t");
    text.replace("__WCHAR_TYPE__", "wchar_t")
}

impl Subject {
    /// A case, number `number` of its batch.
    pub(crate) fn new(case: Case, mut rng: Rng, number: usize) -> Subject {
        let mut first = 1;
        let mut passed = |c: &CType, variable: String| {
            let ty = c.lower(host::MODEL).expect("case's types have a layout");
            let spots = spots(c, &ty, host::MODEL, &mut rng);
            let prefix = format!("c{number}_{variable}");
            let passed = Passed { c: c.clone(), ty, first, prefix, variable, spots };
            first += u32::try_from(passed.spots.len()).expect("few");
            passed
        };
        let types = case.params.iter().chain(case.tail.iter().flatten());
        let args = types.enumerate().map(|(index, c)| passed(c, format!("a{index}"))).collect();
        let result = case.result.as_ref().map(|c| passed(c, "r".into()));
        Subject { symbol: format!("f{number}"), case, result, args }
    }

    /// The definitions of the types in the prototype.
    pub(crate) fn types(&self) -> String {
        let mut out = String::new();
        self.result.iter().chain(&self.args).for_each(|passed| passed.c.declare(&passed.prefix, &mut out));
        out
    }

    /// The prototype, as C and as callsmith read it, without a semicolon.
    pub(crate) fn prototype(&self) -> String {
        let fixed = self.args.iter().take(self.case.params.len());
        let mut params: Vec<String> = fixed.map(|passed| passed.declarator(&passed.variable)).collect();
        match &self.case.tail {
            Some(_) => params.push("...".into()),
            None if params.is_empty() => params.push("void".into()),
            None => {}
        }
        let name = format!("{}({})", self.symbol, params.join(", "));
        let declared = match &self.result {
            Some(result) => result.declarator(&name),
            None => format!("void {name}"),
        };
        let convention = match self.case.abi {
            Abi::SysV64 => "__attribute__((sysv_abi))",
            Abi::Win64 => "__attribute__((ms_abi))",
            // No compiler has an attribute for another system's.
            Abi::Aapcs64(_) => "",
            Abi::X86(X86Call::Cdecl, _) => "__attribute__((cdecl))",
            Abi::X86(X86Call::Stdcall, _) => "__attribute__((stdcall))",
            Abi::X86(X86Call::Fastcall, _) => "__attribute__((fastcall))",
            Abi::X86(X86Call::Thiscall, _) => "__attribute__((thiscall))",
        };
        format!("{convention} {declared}")
    }

    /// What `callsmith::decl` reads: types and prototype.
    pub(crate) fn declaration(&self) -> String {
        preprocessed(&format!("{}{}{};\n", prelude(host::MODEL), self.types(), self.prototype()))
    }

    /// Types, prototype and the tail's types, for a reader.
    pub(crate) fn show(&self) -> String {
        let mut text = format!("{}{};", self.types(), self.prototype());
        if self.case.tail.is_some() {
            let tail = self.args.iter().skip(self.case.params.len());
            let tail: Vec<String> = tail.map(|passed| passed.declarator(&passed.variable)).collect();
            let _ = write!(text, " /* tail: {} */", tail.join(", "));
        }
        text
    }

    /// How many bytes of stack the function pops.
    pub(crate) fn callee_pops(&self) -> u32 {
        self.call_plan().map_or(0, |plan| plan.callee_pops)
    }

    /// The plan of the call, tail included.
    pub(crate) fn plan(&self) -> String {
        match self.call_plan() {
            Ok(plan) => plan.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn call_plan(&self) -> Result<CallPlan, arch::Error> {
        let types = |passed: &Passed| passed.ty.clone();
        let (result, params) = (self.result.as_ref().map(types), self.args.iter().map(types).collect());
        let signature = match &self.case.tail {
            Some(_) => Signature::variadic(self.case.abi, result, params, self.case.params.len()),
            None => Signature::new(self.case.abi, result, params),
        };
        abi::classify(&signature?)
    }
}
