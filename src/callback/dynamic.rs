//! Callbacks whose signature is known at run time only.
//!
//! # Safety
//!
//! An adapter calls the handlers here with the context that they are for, pointers to the arguments of the prototype, and
//! room for its result.
#![allow(unsafe_code)]

use super::context::{Anybody, Context, Guard, Inside, OnPanic, OneThread};
use super::make::{Live, describe, no_code};
use super::{stop, vouched};
use crate::ctype::{CType, Prototype};
use crate::data::{Data, LongDouble, Ptr, Tag, Value, to_type};
use crate::engine::{self, Kind, Note, Thunk};
use crate::error::{Error, ErrorKind};
use crate::function::{Arg, Expected, sign};
use callsmith_arch::layout::Type;
use std::ffi::c_void;
use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;

/// A Rust closure as a C function pointer of a [`Prototype`].
///
/// ```
/// use callsmith::{DynCallback, Library, Value, decl, host};
///
/// let prototype = decl::parse_prototype("int twice(int n)", host::MODEL)?;
/// let twice = DynCallback::new(&prototype, |args| match args.get(0) {
///     Value::I32(n) => Value::I32(2 * n),
///     _ => Value::I32(0),
/// })?;
/// // SAFETY: a callback of this prototype.
/// let function = unsafe { callsmith::Function::from_address(twice.address(), prototype)? };
/// let doubled: i32 = function.call((21,))?;
/// assert_eq!(doubled, 42);
/// # Ok::<(), callsmith::Error>(())
/// ```
pub struct DynCallback {
    live: Live,
    shape: Arc<Shape>,
}

/// What a call has to know of the prototype.
struct Shape {
    prototype: Prototype,
    params: Box<[Expected]>,
    result: Expected,
    result_type: Option<Type>,
    at: Option<&'static Location<'static>>,
}

/// The arguments of one call.
pub struct CallbackArgs<'a> {
    shape: &'a Shape,
    pointers: *const *const c_void,
}

impl CallbackArgs<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.shape.params.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shape.params.is_empty()
    }

    /// Argument `index`, counted from 0; [`Value::Void`] where there is none.
    pub fn get(&self, index: usize) -> Value {
        let Some(expected) = self.shape.params.get(index) else { return Value::Void };
        // SAFETY: there are as many pointers as parameters, each to a value of its type.
        unsafe { load(expected, *self.pointers.add(index)) }
    }

    /// The address of argument `index`'s value, valid until the closure returns.
    pub fn pointer(&self, index: usize) -> Option<*const c_void> {
        // SAFETY: as above.
        (index < self.len()).then(|| unsafe { *self.pointers.add(index) })
    }
}

/// The value at `from`.
///
/// # Safety
/// It is a value of the type that is expected.
unsafe fn load(expected: &Expected, from: *const c_void) -> Value {
    // SAFETY: the caller's promise; C's `_Bool` is one byte.
    unsafe {
        match (expected.tag, &expected.shape) {
            (_, Some(shape)) => {
                let mut data = Data::of_shape(shape);
                let size = data.bytes().len();
                from.cast::<u8>().copy_to_nonoverlapping(data.as_mut_ptr(), size);
                data.into()
            }
            (Tag::Bool, None) => Value::Bool(from.cast::<u8>().read() != 0),
            (Tag::I8 | Tag::U8, None) => Value::from_word(expected.tag, from.cast::<u8>().read().into()),
            (Tag::I16 | Tag::U16, None) => {
                Value::from_word(expected.tag, from.cast::<u16>().read_unaligned().into())
            }
            (Tag::I32 | Tag::U32 | Tag::F32, None) => {
                Value::from_word(expected.tag, from.cast::<u32>().read_unaligned().into())
            }
            (Tag::I64 | Tag::U64 | Tag::F64, None) => {
                Value::from_word(expected.tag, from.cast::<u64>().read_unaligned())
            }
            (Tag::Pointer, None) => Value::Pointer(from.cast::<Ptr>().read_unaligned()),
            (Tag::I128, None) => Value::I128(from.cast::<i128>().read_unaligned()),
            (Tag::U128, None) => Value::U128(from.cast::<u128>().read_unaligned()),
            (Tag::LongDouble, None) => {
                Value::LongDouble(LongDouble::from_bytes(from.cast::<[u8; 10]>().read()))
            }
            (Tag::Void | Tag::Data, None) => Value::Void,
        }
    }
}

/// A result where C expects it; nothing where the prototype has none.
///
/// # Safety
/// `to` has room for the prototype's result.
unsafe fn store(shape: &Shape, value: &Value, to: *mut c_void, note: &Note) {
    let Some(ty) = &shape.result_type else { return };
    let value = match to_type(value, ty) {
        Ok(value) => value,
        Err(why) => stop::bad_result(note, &why.unwrap_or_else(|| value.describe())),
    };
    let size = shape.result.size;
    let from: *const u8 = match &value {
        Value::Data(data) => data.as_ptr(),
        Value::I128(x) => ptr::from_ref(x).cast(),
        Value::U128(x) => ptr::from_ref(x).cast(),
        Value::LongDouble(x) => ptr::from_ref(x).cast(),
        word => {
            // SAFETY: the caller's promise; a word's first bytes are its value.
            unsafe {
                ptr::from_ref(&word.word()).cast::<u8>().copy_to_nonoverlapping(to.cast(), size.min(8))
            };
            return;
        }
    };
    // SAFETY: the caller's promise; the value is of the result's type, so it has as many bytes.
    unsafe { from.copy_to_nonoverlapping(to.cast(), size) }
}

/// Keeps what calls and messages need for as long as the context lasts.
struct Described(Arc<Shape>);

impl<R> OnPanic<R> for Described {
    fn run(&self, closure: impl FnOnce() -> R) -> R {
        closure()
    }
}

/// What an adapter calls.
type Handler = unsafe extern "C" fn(*mut c_void, *const *const c_void, *mut c_void);

/// # Safety
/// Called by an adapter, with a context for this function.
unsafe extern "C" fn over_values<F, G>(
    context: *mut c_void,
    pointers: *const *const c_void,
    result: *mut c_void,
) where
    F: Fn(&CallbackArgs<'_>) -> Value,
    G: Guard,
{
    // SAFETY: the adapter's promise.
    unsafe {
        let context = &*context.cast::<Context<F, Described>>();
        let _inside = Inside::<F, Described, G>::of(context);
        let shape = &*context.panic.0;
        let value = context.closure()(&CallbackArgs { shape, pointers });
        store(shape, &value, result, &*context.header.note);
    }
}

/// # Safety
/// Called by an adapter, with a context for this function.
unsafe extern "C" fn over_memory<F, G>(
    context: *mut c_void,
    pointers: *const *const c_void,
    result: *mut c_void,
) where
    F: Fn(*const *const c_void, *mut c_void),
    G: Guard,
{
    // SAFETY: the adapter's promise.
    unsafe {
        let context = &*context.cast::<Context<F, Described>>();
        let _inside = Inside::<F, Described, G>::of(context);
        context.closure()(pointers, result);
    }
}

impl DynCallback {
    /// A callback that any thread may call, over values.
    ///
    /// The closure's result is converted to the prototype's where it fits; one that does not fit ends the process with a
    /// sentence, as a panic does.
    ///
    /// # Errors
    /// A prototype that cannot be called in this process, a variadic one among them; no memory for code.
    #[track_caller]
    pub fn new<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + Send + Sync + 'static,
    {
        DynCallback::make(prototype, closure, over_values::<F, Anybody>)
    }

    /// As [`DynCallback::new`], called by this thread only.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn local<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + 'static,
    {
        DynCallback::make(prototype, closure, over_values::<F, OneThread>)
    }

    /// A callback that any thread may call, over bare memory, for runtimes: the closure gets pointers to the arguments'
    /// values and to room for the result, which it fills.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    ///
    /// # Safety
    /// The closure reads what the prototype's parameters say, and writes a value of its result type.
    #[track_caller]
    pub unsafe fn raw<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(*const *const c_void, *mut c_void) + Send + Sync + 'static,
    {
        DynCallback::make(prototype, closure, over_memory::<F, Anybody>)
    }

    /// `handler` is for a context of an `F`.
    #[track_caller]
    fn make<F: 'static>(prototype: &Prototype, closure: F, handler: Handler) -> Result<DynCallback, Error> {
        let at = cfg!(debug_assertions).then(Location::caller);
        let name = || prototype.to_string();
        if prototype.variadic {
            let what = "a variadic function cannot be a callback: nothing tells it what it was given".into();
            let source = callsmith_arch::Error::Unsupported { what };
            return Err(ErrorKind::Signature { function: name(), source }.into());
        }
        let signature = sign(prototype, &[])?;
        let stub = engine::stub_of(&signature, name)?;
        let adapter = engine::adapter_of(stub, name)?;
        let (params, result) = Expected::all(prototype, &stub.signature)?;
        let result_type = stub.signature.result().cloned();
        let shape = Arc::new(Shape { prototype: prototype.clone(), params, result, result_type, at });
        let note = Note { trap: stop::called_after_drop, text, data: Arc::as_ptr(&shape).cast() };
        let context = Context::new(closure, Described(Arc::clone(&shape)), note, handler as *const c_void);
        let address = ptr::from_ref(&*context).cast_mut().cast();
        // SAFETY: the adapter is of this signature, the handler for this context; both context and note rest with the
        // slot.
        let thunk =
            unsafe { Thunk::new(Kind::ADAPTER, address, adapter.as_ptr().cast(), context.header.note) };
        let thunk = thunk.map_err(|source| no_code(&name(), source))?;
        Ok(DynCallback { live: Live::new(thunk, context), shape })
    }

    /// The function pointer.
    pub fn address(&self) -> *const c_void {
        self.live.address()
    }

    /// Its prototype.
    pub fn prototype(&self) -> &Prototype {
        &self.shape.prototype
    }

    /// The function pointer as a value for a parameter of type `c`; `None` where that is not a pointer to such a
    /// function.
    pub fn value_for(&self, c: &CType) -> Option<Value> {
        let wanted = c.prototype()?;
        let same = CType::function(&wanted).is_compatible_with(&CType::function(self.prototype()));
        same.then(|| Value::Pointer(vouched(self.address())))
    }

    /// The function pointer, for C to keep for ever. The closure is never dropped.
    pub fn leak(self) -> Ptr {
        let address = self.address();
        std::mem::forget(self);
        vouched(address)
    }
}

/// The callback in words.
fn text(note: &Note) -> String {
    // SAFETY: the note of a dynamic callback points at its shape, which the context keeps.
    let shape = unsafe { &*note.data.cast::<Shape>() };
    describe(&shape.prototype.to_string(), shape.at.map_or(ptr::null(), |at| ptr::from_ref(at).cast()))
}

impl fmt::Debug for DynCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback {} at {:p}", self.prototype(), self.address())
    }
}

// SAFETY: a function pointer, given only where the parameter is one of the callback's own signature.
unsafe impl<'a> Arg for &'a DynCallback {
    type Native = &'a DynCallback;
    const DIRECT: bool = false;
    const CHECKS_ITSELF: bool = true;

    /// Not known from the Rust type: every call looks at the callback itself.
    fn is(_: &CType) -> bool {
        false
    }

    fn variadic() -> Option<Type> {
        None
    }

    fn native(self) -> &'a DynCallback {
        self
    }

    fn value(native: &'a DynCallback, c: Option<&CType>) -> Value {
        c.and_then(|c| native.value_for(c)).unwrap_or(Value::Void)
    }
}
