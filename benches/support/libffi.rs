//! libffi's `ffi_call`, for scale: opened at run time, where it is installed.
//!
//! # Safety
//! The types here are those of libffi 3.4's `ffi.h` and `ffitarget.h` for x86-64 Linux.

use super::{Outcome, Row, Sample};
use callsmith::Library;
use std::ffi::{c_int, c_uint, c_void};
use std::mem::transmute;

/// `ffi_type`.
#[repr(C)]
pub(crate) struct FfiType {
    size: usize,
    alignment: u16,
    kind: u16,
    elements: *mut *mut FfiType,
}

/// `FFI_TYPE_STRUCT`.
const STRUCT: u16 = 13;
/// `FFI_UNIX64`.
const UNIX64: c_int = 2;
/// `FFI_OK`.
const OK: c_int = 0;

/// `ffi_cif`, and some room.
#[repr(C, align(16))]
pub(crate) struct Cif([u8; 64]);

type PrepCif = unsafe extern "C" fn(*mut Cif, c_int, c_uint, *mut FfiType, *mut *mut FfiType) -> c_int;
type PrepCifVar =
    unsafe extern "C" fn(*mut Cif, c_int, c_uint, c_uint, *mut FfiType, *mut *mut FfiType) -> c_int;
/// `ffi_call`, whose first argument is a `Cif`, or `ffi_call_plan_invoke`, whose first argument is a plan.
pub(crate) type Call =
    unsafe extern "C" fn(*mut c_void, *const c_void, result: *mut c_void, arguments: *const *const c_void);
type PlanAlloc = unsafe extern "C" fn(*mut Cif) -> *mut c_void;

/// What a closure calls: with the result's place, pointers to the arguments, and its data.
pub(crate) type Handler = unsafe extern "C" fn(*mut Cif, *mut c_void, *const *const c_void, *mut c_void);
type ClosureAlloc = unsafe extern "C" fn(usize, *mut *mut c_void) -> *mut c_void;
type ClosureFree = unsafe extern "C" fn(*mut c_void);
type PrepClosure = unsafe extern "C" fn(*mut c_void, *mut Cif, Handler, *mut c_void, *mut c_void) -> c_int;

/// More than `sizeof(ffi_closure)`.
const CLOSURE_SIZE: usize = 64;

/// An open libffi.
pub(crate) struct Libffi {
    library: Library,
}

impl Libffi {
    /// The libffi that `CALLSMITH_LIBFFI` names, or else the one that is installed, if it is.
    ///
    /// # Panics
    /// Where there is none by that name.
    pub(crate) fn open() -> Option<Libffi> {
        let library = match std::env::var("CALLSMITH_LIBFFI") {
            Ok(path) => Some(Library::open(path).unwrap_or_else(|error| panic!("{error}"))),
            Err(_) => Library::open("libffi.so.8").ok(),
        };
        library.map(|library| Libffi { library })
    }

    fn symbol(&self, name: &str) -> *const c_void {
        self.library.symbol(name).expect("libffi's symbol")
    }

    /// `ffi_type_NAME`.
    pub(crate) fn basic(&self, name: &str) -> *mut FfiType {
        self.symbol(&format!("ffi_type_{name}")).cast_mut().cast()
    }

    /// A struct of these members.
    pub(crate) fn structure(&self, members: &[&str]) -> *mut FfiType {
        let mut elements: Vec<*mut FfiType> = members.iter().map(|name| self.basic(name)).collect();
        elements.push(std::ptr::null_mut());
        let elements = elements.leak().as_mut_ptr();
        Box::leak(Box::new(FfiType { size: 0, alignment: 0, kind: STRUCT, elements }))
    }

    /// `ffi_call`.
    pub(crate) fn call(&self) -> Call {
        // SAFETY: this is its type.
        unsafe { transmute(self.symbol("ffi_call")) }
    }

    /// What calls by a plan for `cif`, and the plan, which lives for ever; `None` before libffi 3.7.
    pub(crate) fn plan(&self, cif: &'static mut Cif) -> Option<(Call, *mut c_void)> {
        let symbol = |name| self.library.optional_symbol(name).expect("a symbol's name");
        let (alloc, invoke) = (symbol("ffi_call_plan_alloc")?, symbol("ffi_call_plan_invoke")?);
        // SAFETY: these are their types, and the cif is prepared.
        let (call, plan) = unsafe {
            (transmute::<*const c_void, Call>(invoke), transmute::<*const c_void, PlanAlloc>(alloc)(cif))
        };
        assert!(!plan.is_null(), "no memory for a plan");
        Some((call, plan))
    }

    /// The row's signature, prepared.
    pub(crate) fn prepare<R: Row>(&self) -> Cif {
        let args = R::args();
        let types = R::each(&args).into_iter().map(|arg| Sample::ffi_type(arg, self)).collect();
        self.prepare_types(types, R::FIXED, <R::Result as Outcome>::ffi_type(self))
    }

    /// A signature, prepared; `fixed` says how many parameters are declared, where it is variadic.
    pub(crate) fn prepare_types(
        &self,
        types: Vec<*mut FfiType>,
        fixed: Option<usize>,
        result: *mut FfiType,
    ) -> Cif {
        let types = types.leak();
        let count = |n: usize| c_uint::try_from(n).expect("few arguments");
        let all = count(types.len());
        let mut cif = Cif([0; 64]);
        // SAFETY: the functions' own types; the type arrays live for ever.
        let status = unsafe {
            if let Some(fixed) = fixed {
                let prep: PrepCifVar = transmute(self.symbol("ffi_prep_cif_var"));
                prep(&raw mut cif, UNIX64, count(fixed), all, result, types.as_mut_ptr())
            } else {
                let prep: PrepCif = transmute(self.symbol("ffi_prep_cif"));
                prep(&raw mut cif, UNIX64, all, result, types.as_mut_ptr())
            }
        };
        assert_eq!(status, OK);
        cif
    }

    /// Prepares a function of these types.
    pub(crate) fn preparing(
        &self,
        types: Vec<*mut FfiType>,
        result: *mut FfiType,
    ) -> impl FnMut() -> Cif + use<> {
        let types = types.leak();
        let count = c_uint::try_from(types.len()).expect("few arguments");
        // SAFETY: the function's own type.
        let prep: PrepCif = unsafe { transmute(self.symbol("ffi_prep_cif")) };
        move || {
            let mut cif = Cif([0; 64]);
            // SAFETY: as above; the type array lives for ever.
            assert_eq!(unsafe { prep(&raw mut cif, UNIX64, count, result, types.as_mut_ptr()) }, OK);
            cif
        }
    }

    /// A closure of this signature: its address, for ever.
    pub(crate) fn closure(&self, cif: Cif, handler: Handler, data: *mut c_void) -> *const c_void {
        let functions = self.closure_functions();
        functions.make(Box::leak(Box::new(cif)), handler, data).1
    }

    /// Makes a closure and frees it.
    pub(crate) fn make_and_free_closure(
        &self,
        cif: &'static mut Cif,
        handler: Handler,
    ) -> impl FnMut() + use<> {
        let functions = self.closure_functions();
        move || {
            let (closure, _) = functions.make(cif, handler, std::ptr::null_mut());
            // SAFETY: just made, and never called.
            unsafe { (functions.free)(closure) };
        }
    }

    fn closure_functions(&self) -> ClosureFunctions {
        // SAFETY: the functions' own types.
        unsafe {
            ClosureFunctions {
                alloc: transmute::<*const c_void, ClosureAlloc>(self.symbol("ffi_closure_alloc")),
                prep: transmute::<*const c_void, PrepClosure>(self.symbol("ffi_prep_closure_loc")),
                free: transmute::<*const c_void, ClosureFree>(self.symbol("ffi_closure_free")),
            }
        }
    }
}

#[derive(Clone, Copy)]
struct ClosureFunctions {
    alloc: ClosureAlloc,
    prep: PrepClosure,
    free: ClosureFree,
}

impl ClosureFunctions {
    /// A closure, and its address for C.
    fn make(self, cif: *mut Cif, handler: Handler, data: *mut c_void) -> (*mut c_void, *const c_void) {
        let mut address = std::ptr::null_mut();
        // SAFETY: the functions' own types; the cif lives for ever.
        unsafe {
            let closure = (self.alloc)(CLOSURE_SIZE, &raw mut address);
            assert!(!closure.is_null());
            assert_eq!((self.prep)(closure, cif, handler, data, address), OK);
            (closure, address)
        }
    }
}
