//! What is explained: a declaration, planned under one ABI.

use super::callback;
use super::target;
use callsmith::arch::layout::{DataModel, Float, Scalar, Type};
use callsmith::arch::{Abi, CallPlan, abi};
use callsmith::ctype::{CType, Floating, Integer, Kind, Param, Prototype};
use callsmith::decl;
use std::error::Error;

/// A declaration, planned.
pub(super) struct Subject {
    pub(super) prototype: Prototype,
    pub(super) model: &'static DataModel,
    pub(super) plan: CallPlan,
    /// Of a callback, the plan as the caller sees it: `plan` is as the callback does.
    pub(super) call: Option<CallPlan>,
    /// One for each argument of the plan.
    pub(super) args: Vec<Arg>,
}

/// An argument: a parameter, or what follows the last.
pub(super) struct Arg {
    pub(super) name: String,
    pub(super) ty: CType,
}

impl Subject {
    /// Plans a call of what `declaration` declares, for code compiled for `target` under `model`, with values of the types
    /// in `tail` (a parameter list) after the fixed parameters.
    pub(super) fn new(
        declaration: &str,
        tail: Option<&str>,
        target: Abi,
        model: &'static DataModel,
    ) -> Result<Subject, Box<dyn Error>> {
        let prototype = decl::parse_prototype(declaration, model)?;
        let convention = prototype.convention;
        let abi = convention.abi(target).ok_or_else(|| {
            let known: Vec<&str> = Abi::ALL.iter().map(|abi| target::name(*abi)).collect();
            format!("{convention} is none of the ABIs known, which are {}", known.join(", "))
        })?;
        let tail = match tail {
            None => Vec::new(),
            Some(_) if !prototype.variadic => return Err("the declaration has no '...' for a tail".into()),
            Some(types) => promoted(types, model)?,
        };
        let types = tail.iter().map(|ty| ty.lower(model)).collect::<Result<Vec<_>, _>>()?;
        let types: Vec<Type> = types.into_iter().flatten().collect();
        let plan = abi::classify(&prototype.signature(abi, model, &types)?)?;
        let params = prototype.params.iter().map(|Param { name, ty }| (name.clone(), ty.clone()));
        let args = params.chain(tail.into_iter().map(|ty| (None, ty))).enumerate();
        let args = args.map(|(index, (name, ty))| {
            let name = name.unwrap_or_else(|| format!("#{}", index + 1));
            Arg { name, ty }
        });
        Ok(Subject { args: args.collect(), prototype, model, plan, call: None })
    }

    /// The same, as a function that C calls finds it.
    pub(super) fn into_callback(self) -> Result<Subject, Box<dyn Error>> {
        if self.prototype.variadic {
            return Err("a variadic function cannot be a callback: nothing tells it what it was given".into());
        }
        Ok(Subject { plan: callback::as_entered(self.plan.clone()), call: Some(self.plan), ..self })
    }

    pub(super) fn is_callback(&self) -> bool {
        self.call.is_some()
    }

    /// How many bytes lie between the stack pointer and what the caller put there.
    pub(super) fn below(&self) -> u32 {
        if self.is_callback() { self.abi().instruction_set().return_address() } else { 0 }
    }

    pub(super) fn abi(&self) -> Abi {
        self.plan.abi
    }

    /// The ABI in words.
    pub(super) fn title(&self) -> String {
        let abi = self.abi();
        let document = abi.convention().document;
        format!("{} ({document}), types laid out as {}", target::name(abi), self.model.name)
    }
}

/// The types of a parameter list as they pass where no parameter describes them (C11 6.5.2.2p6).
fn promoted(types: &str, model: &'static DataModel) -> Result<Vec<CType>, Box<dyn Error>> {
    let model =
        DataModel::ALL.iter().find(|known| **known == model).copied().unwrap_or(callsmith::host::MODEL);
    let list = decl::parse_prototype(&format!("void tail({types})"), model)
        .map_err(|error| format!("in the types of the tail, {error}"))?;
    Ok(list.params.into_iter().map(|param| promote(param.ty, model)).collect())
}

fn promote(ty: CType, model: &DataModel) -> CType {
    let Ok(Some(Type::Scalar(scalar))) = ty.lower(model) else { return ty };
    match scalar {
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 => Integer::Int.into(),
        Scalar::Float(Float::F32) if matches!(ty.resolved().kind(), Kind::Floating(Floating::Float)) => {
            Floating::Double.into()
        }
        Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::I128
        | Scalar::U128
        | Scalar::Float(_)
        | Scalar::Pointer => ty,
    }
}
