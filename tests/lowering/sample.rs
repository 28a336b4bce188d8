//! A random signature, as C and as arch has it.

use crate::support::ctype::{CMember, CScalar, CType};
use crate::support::rng::Rng;
use crate::support::typegen::TypeGen;
use callsmith::arch::layout::{DataModel, Float, Scalar, Type};
use callsmith::arch::{Abi, Signature};
use std::fmt::Write as _;

/// The largest type, in bytes.
const SIZE: u64 = 200;

/// A signature, and one call of it.
pub(crate) struct Sample {
    pub(crate) model: &'static DataModel,
    result: Option<CType>,
    /// The fixed parameters, then the tail's arguments.
    params: Vec<CType>,
    /// How many are fixed, where the function is variadic.
    pub(crate) fixed: Option<usize>,
}

impl Sample {
    /// `takes` says which types it may have.
    pub(crate) fn random(rng: Rng, model: &'static DataModel, takes: fn(&CType) -> bool) -> Sample {
        let draw = |types: &mut TypeGen<'static>, variable| draw(types, model, variable, takes);
        let mut types = TypeGen::new(rng, model);
        let result = (!types.rng.chance(12)).then(|| draw(&mut types, false));
        let count = match types.rng.below(10) {
            0..5 => types.rng.below(6),
            5..8 => types.rng.below(12),
            _ => types.rng.below(20),
        };
        // Many of one type use up one kind of register.
        let favourite = types.rng.chance(30).then(|| draw(&mut types, true));
        let fixed = types.rng.chance(20).then(|| 1 + types.rng.below(count.max(1)));
        let mut params = Vec::new();
        for index in 0..count.max(fixed.unwrap_or(0)) {
            let variable = fixed.is_some_and(|fixed| index >= fixed);
            let again = types.rng.chance(70);
            params.push(match &favourite {
                Some(favourite) if again => favourite.clone(),
                Some(_) | None => draw(&mut types, variable),
            });
        }
        let fixed = fixed.and_then(|fixed| usize::try_from(fixed).ok());
        Sample { model, result, params, fixed }
    }

    /// The result, if there is one, then the parameters: with the names of their types' tags.
    fn types(&self) -> impl Iterator<Item = (String, &CType)> {
        let result = self.result.iter().map(|ty| ("r".to_owned(), ty));
        result.chain(self.params.iter().enumerate().map(|(index, ty)| (format!("a{index}"), ty)))
    }

    /// The same as a function of an object, which `thiscall` is for: a pointer is before all, and nothing is variable.
    pub(crate) fn of_object(mut self) -> Sample {
        self.params.insert(0, CType::Scalar(CScalar::VoidPointer));
        self.fixed = None;
        self
    }

    /// A declaration of `f` and a call of it, the sizes of the types as global integers, and for each argument a call that
    /// has no other: of `d`, or behind the `...` of `t`.
    pub(crate) fn source(&self, number: usize, attribute: &str, out: &mut String) {
        let prefix = |name: &str| format!("c{number}_{name}");
        self.types().for_each(|(name, ty)| ty.declare(&prefix(&name), out));
        for (index, (name, ty)) in self.types().enumerate() {
            let _ =
                writeln!(out, "unsigned s{number}_{index} = sizeof({});", ty.declarator(&prefix(&name), ""));
        }
        let mut calls = String::new();
        for (index, ty) in self.params.iter().enumerate() {
            let id = format!("{number}_{index}");
            let name = prefix(&format!("a{index}"));
            let _ = writeln!(out, "extern {};", ty.declarator(&name, &format!("v{id}")));
            if self.fixed.is_none_or(|fixed| index < fixed) {
                let _ = writeln!(out, "void d{id}({});", ty.declarator(&name, ""));
                let _ = writeln!(calls, "d{id}(v{id});");
            } else {
                let _ = writeln!(out, "void t{id}(int, ...);");
                let _ = writeln!(calls, "t{id}(0, v{id});");
            }
        }
        let args: Vec<String> = (0..self.params.len()).map(|index| format!("v{number}_{index}")).collect();
        let _ = writeln!(out, "{}{attribute};", self.prototype(number));
        let _ = writeln!(out, "void call{number}(void) {{ f{number}({});\n{calls}}}", args.join(", "));
    }

    fn prototype(&self, number: usize) -> String {
        let fixed = self.fixed.unwrap_or(self.params.len());
        let named = self.params.iter().take(fixed).enumerate();
        let mut params: Vec<String> =
            named.map(|(index, ty)| ty.declarator(&format!("c{number}_a{index}"), "")).collect();
        match self.fixed {
            Some(_) => params.push("...".into()),
            None if params.is_empty() => params.push("void".into()),
            None => {}
        }
        let declarator = format!("f{number}({})", params.join(", "));
        match &self.result {
            Some(ty) => ty.declarator(&format!("c{number}_r"), &declarator),
            None => format!("void {declarator}"),
        }
    }

    /// For a reader.
    pub(crate) fn show(&self) -> String {
        let mut text = String::new();
        self.types().for_each(|(name, ty)| ty.declare(&format!("c0_{name}"), &mut text));
        let tail = self.params.iter().skip(self.fixed.unwrap_or(self.params.len()));
        let tail: Vec<String> = tail.map(|ty| ty.declarator("c0", "")).collect();
        format!("{text}{}; /* tail: {} */", self.prototype(0), tail.join(", "))
    }

    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.types().map(|(_, ty)| lower(ty, self.model).size(self.model).bytes()).collect()
    }

    pub(crate) fn signature(&self, abi: Abi) -> Signature {
        let (result, params) = (self.result_type(), self.params());
        let signature = match self.fixed {
            Some(fixed) => Signature::variadic(abi, result, params, fixed),
            None => Signature::new(abi, result, params),
        };
        signature.expect("few parameters")
    }

    /// The parameters' types, laid out.
    pub(crate) fn params(&self) -> Vec<Type> {
        self.params.iter().map(|ty| lower(ty, self.model)).collect()
    }

    /// Whether there is such a type in it, or inside one.
    pub(crate) fn any_type(&self, holds: fn(&CType) -> bool) -> bool {
        self.types().any(|(_, ty)| any_inside(ty, holds))
    }

    /// The same of the result alone.
    pub(crate) fn result_any(&self, holds: fn(&CType) -> bool) -> bool {
        self.result.iter().any(|ty| any_inside(ty, holds))
    }

    /// The result's type, laid out.
    pub(crate) fn result_type(&self) -> Option<Type> {
        self.result.as_ref().map(|ty| lower(ty, self.model))
    }

    /// Whether a parameter, or the result, has bytes but nothing in them.
    pub(crate) fn has_memberless(&self) -> bool {
        self.types().any(|(_, ty)| is_memberless(ty) && lower(ty, self.model).size(self.model).bytes() > 0)
    }

    /// Whether one of these has a flexible array.
    pub(crate) fn has_memberless_flexible(&self) -> bool {
        let is_flexible = |ty: &CType| matches!(ty, CType::Array { len: None, .. });
        self.types().any(|(_, ty)| is_memberless(ty) && any_inside(ty, is_flexible))
    }

    /// Which parameters have nothing in them.
    pub(crate) fn memberless(&self) -> Vec<bool> {
        self.params.iter().map(is_memberless).collect()
    }
}

/// Whether there is no value in it.
pub(crate) fn is_memberless(ty: &CType) -> bool {
    ty.leaves().is_empty()
}

/// Whether it, or a type inside it, is such a type.
pub(crate) fn any_inside(ty: &CType, holds: fn(&CType) -> bool) -> bool {
    let inside = match ty {
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } => false,
        CType::Array { element, .. } => any_inside(element, holds),
        CType::Record(record) => record.members.iter().any(|member| any_inside(&member.ty, holds)),
    };
    inside || holds(ty)
}

fn lower(ty: &CType, model: &DataModel) -> Type {
    ty.lower(model).expect("a type of the model")
}

/// A type that C passes; small ones more often than large ones, which all pass through memory.
fn draw(types: &mut TypeGen<'static>, model: &DataModel, variable: bool, takes: fn(&CType) -> bool) -> CType {
    for _ in 0..20 {
        let ty = match types.rng.below(10) {
            0..4 => types.any(0),
            4..7 => types.any(2),
            _ => types.record(),
        };
        let Ok(lowered) = ty.lower(model) else { continue };
        let size = lowered.size(model).bytes();
        let passes =
            !matches!(lowered, Type::Array(_)) && size <= SIZE && !(variable && is_promoted(&lowered));
        if passes && takes(&ty) && (size <= 64 || types.rng.chance(30)) {
            return ty;
        }
    }
    CType::Scalar(CScalar::Int)
}

/// Whether C, or clang, promotes such an argument behind a `...` (C11 6.5.2.2p6).
fn is_promoted(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Scalar(
            Scalar::Bool
                | Scalar::I8
                | Scalar::U8
                | Scalar::I16
                | Scalar::U16
                | Scalar::Float(Float::F16 | Float::F32)
        )
    )
}

/// Any type.
pub(crate) fn any(_: &CType) -> bool {
    true
}

/// A type on which clang and gcc agree for System V: no array in it is without elements, no bit-field without a name or in a
/// type of 16 bytes, nothing packed has bit-fields or records of no size in it, no vector is one `double`, which gcc has in
/// memory, and no member is a `_Complex _Float16`, which clang takes for an integer where padding is behind it. What gcc makes of the others is `tests/random_calls.rs`'s affair.
pub(crate) fn plain(ty: &CType) -> bool {
    match ty {
        CType::Vector { lane: CScalar::Double, bytes: 8 } => false,
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } => true,
        CType::Array { element, len } => len.is_some_and(|len| len > 0) && plain(element),
        CType::Record(record) => {
            let packed = record.packed || record.pack.is_some();
            let is_plain = |member: &CMember| {
                let half = any_inside(&member.ty, |ty| matches!(ty, CType::Complex(CScalar::Float16)));
                let wide = matches!(member.ty, CType::Scalar(CScalar::Int128 | CScalar::UInt128));
                let bits = member.bits.is_none() || member.name.is_some() && !wide;
                let loose = !packed && !member.packed
                    || member.bits.is_none() && !any_inside(&member.ty, has_bits_or_nothing);
                !half && bits && loose && plain(&member.ty)
            };
            record.members.iter().all(is_plain)
        }
    }
}

fn has_bits_or_nothing(ty: &CType) -> bool {
    let CType::Record(record) = ty else { return false };
    record.members.is_empty() || record.members.iter().any(|member| member.bits.is_some())
}
