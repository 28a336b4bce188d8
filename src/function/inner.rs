//! What a [`Function`](super::Function) and its clones share: prototype, signature, stub.

use super::Manner;
use super::contract::Contract;
use super::hresult::HRESULT;
use super::route::{Routes, Way};
use super::words::FEW;
use crate::ctype::{CType, Convention, Prototype};
use crate::data::record::is_named;
use crate::data::{Data, Shape, Tag};
use crate::engine::{self, Stub};
use crate::error::{Error, ErrorKind};
use crate::host;
use crate::library::Handle;
use callsmith_arch::layout::Type;
use callsmith_arch::{Abi, Signature};
use std::sync::Arc;

/// The [`Value`](crate::Value) of a parameter or result.
pub(crate) struct Expected {
    /// Which variant.
    pub(crate) tag: Tag,
    /// Which type, where the variant is data.
    pub(crate) shape: Option<&'static Shape>,
    /// How many bytes.
    pub(crate) size: usize,
}

impl Expected {
    fn new(ctype: &CType, ty: &Type) -> Result<Expected, Error> {
        let tag = Tag::of(ty);
        let shape = if tag == Tag::Data { Some(Shape::lasting(ctype)?) } else { None };
        let size = usize::try_from(ty.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
        Ok(Expected { tag, shape, size })
    }

    /// Those of `prototype`'s parameters and its result.
    pub(crate) fn all(
        prototype: &Prototype,
        signature: &Signature,
    ) -> Result<(Box<[Expected]>, Expected), Error> {
        let mut params = Vec::with_capacity(prototype.params.len());
        for (param, ty) in prototype.params.iter().zip(signature.params()) {
            params.push(Expected::new(&param.ty, ty)?);
        }
        let result = match signature.result() {
            Some(ty) => Expected::new(&prototype.result, ty)?,
            None => Expected { tag: Tag::Void, shape: None, size: 0 },
        };
        Ok((params.into(), result))
    }
}

/// A prototype, prepared.
pub(super) struct Inner {
    pub(super) prototype: Prototype,
    pub(super) stub: &'static Stub,
    /// For each parameter, what fits its slot as it is.
    pub(super) params: Box<[Expected]>,
    /// The shapes of the first parameters, side by side.
    pub(super) shapes: [Option<&'static Shape>; FEW],
    /// What the result becomes.
    pub(super) result: Expected,
    /// What is done around every call.
    pub(super) manner: Manner,
    /// Whether it is variadic, or something is done around its calls.
    pub(super) special: bool,
    /// How the calls so far reached the function.
    pub(super) routes: Routes,
    /// Keeps the library open.
    _library: Option<Arc<Handle>>,
}

impl Inner {
    pub(super) fn new(prototype: Prototype, library: Option<Arc<Handle>>) -> Result<Inner, Error> {
        let signature = sign(&prototype, &[])?;
        let stub = engine::stub_of(signature, || name_of(&prototype))?;
        let (params, result) = Expected::all(&prototype, &stub.signature)?;
        let mut shapes = [None; FEW];
        shapes.iter_mut().zip(&params).for_each(|(shape, param)| *shape = param.shape);
        let mut manner = library.as_ref().map_or(Manner::PLAIN, |library| library.manner());
        manner.hresult = manner.hresult && result.tag == Tag::I32 && is_named(&prototype.result, HRESULT);
        let special = prototype.variadic || !manner.is_plain();
        let routes = Routes::default();
        Ok(Inner { shapes, prototype, stub, params, result, manner, special, routes, _library: library })
    }

    pub(super) fn argument(&self, index: usize) -> Result<Data, Error> {
        let Some(expected) = self.params.get(index) else { return Err(self.wrong_count(index + 1)) };
        match expected.shape {
            Some(shape) => Ok(Data::of_shape(shape)),
            None => Err(self.wrong_argument(index, "memory".into(), None)),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.prototype.name.as_deref().unwrap_or("(unnamed function)")
    }

    pub(super) fn result_size(&self) -> usize {
        self.stub.result_size as usize
    }

    pub(super) fn null_target(&self) -> Error {
        ErrorKind::NullTarget { function: self.name().into() }.into()
    }

    /// A [`Typed`](super::Typed) of the wrong kind, where `way` is right.
    pub(super) fn not_typed(&self, way: Way) -> Error {
        let why = match way {
            Way::Straight => "it is not variadic: use `typed`".into(),
            Way::StraightVariadic => "it is variadic: use `typed_variadic`".into(),
            Way::Slots if !self.manner.is_plain() => {
                "its library's options have something done around every call: use `call`".into()
            }
            Way::Slots => format!("rustc calls by the convention of {} only: use `call`", host::NAME),
        };
        ErrorKind::NotTyped { function: self.prototype.to_string(), why }.into()
    }

    pub(super) fn wrong_signature(&self, source: callsmith_arch::Error) -> Error {
        ErrorKind::Signature { function: name_of(&self.prototype), source }.into()
    }

    pub(super) fn wrong_count(&self, given: usize) -> Error {
        let least = if self.prototype.variadic { "at least " } else { "" };
        let wanted = format!("{least}{}", self.prototype.params.len());
        ErrorKind::ArgumentCount { function: self.prototype.to_string(), wanted, given }.into()
    }

    /// Why `contract` does not hold.
    pub(super) fn mismatch(&self, contract: &Contract) -> Error {
        let params = &self.prototype.params;
        let given = contract.params.len();
        if given < params.len() || (given > params.len() && !self.prototype.variadic) {
            return self.wrong_count(given);
        }
        let wrong = contract.params.iter().enumerate().find(|(index, check)| match params.get(*index) {
            Some(param) => !(check.is)(&param.ty),
            None => (check.variadic)().is_none(),
        });
        match wrong {
            Some((index, check)) => self.wrong_argument(index, (check.rust)().into(), None),
            None => self.wrong_result(contract),
        }
    }

    pub(super) fn wrong_result(&self, contract: &Contract) -> Error {
        let declared = self.prototype.result.to_string();
        let wanted = (contract.result.rust)().to_owned();
        ErrorKind::Result { function: self.name().into(), declared, wanted }.into()
    }

    /// An argument that does not fit. `index` counts from 0.
    pub(super) fn wrong_argument(&self, index: usize, given: String, why: Option<String>) -> Error {
        let param = self.prototype.params.get(index);
        let wanted =
            param.map_or_else(|| "a value that can follow '...'".into(), |param| param.ty.to_string());
        let same_name = || (given == wanted).then(|| "it is another type of that name".into());
        let why = why.or_else(same_name);
        let name = param.and_then(|param| param.name.clone());
        ErrorKind::Argument { function: self.name().into(), number: index + 1, name, wanted, given, why }
            .into()
    }
}

fn name_of(prototype: &Prototype) -> String {
    prototype.name.clone().unwrap_or_else(|| prototype.to_string())
}

/// The signature of one call of `prototype`, whose variadic arguments have these types.
pub(crate) fn sign(prototype: &Prototype, tail: &[Type]) -> Result<Signature, Error> {
    let wrong = |source| Error::from(ErrorKind::Signature { function: name_of(prototype), source });
    let abi = abi_of(prototype.convention, || name_of(prototype))?;
    prototype.signature(abi, host::MODEL, tail).map_err(wrong)
}

/// Prepares calls of all these prototypes together. What is wrong with one is said when its function is made.
pub(crate) fn prepare_all<'p>(prototypes: impl Iterator<Item = &'p Prototype>) {
    engine::prepare_all(prototypes.filter_map(|prototype| sign(prototype, &[]).ok()).collect());
}

/// The ABI that `convention` is in this process, for a function called `name`.
pub(crate) fn abi_of(convention: Convention, name: impl FnOnce() -> String) -> Result<Abi, Error> {
    convention.abi(host::ABI).ok_or_else(|| {
        let convention = convention.to_string();
        ErrorKind::Convention { function: name(), convention, host: host::NAME }.into()
    })
}
