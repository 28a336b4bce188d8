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
/// `ffi_call`.
pub(crate) type Call =
    unsafe extern "C" fn(*mut Cif, *const c_void, result: *mut c_void, arguments: *const *const c_void);

/// An open libffi.
pub(crate) struct Libffi {
    library: Library,
}

impl Libffi {
    /// libffi, if it is installed.
    pub(crate) fn open() -> Option<Libffi> {
        Library::open("libffi.so.8").ok().map(|library| Libffi { library })
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

    /// The row's signature, prepared.
    pub(crate) fn prepare<R: Row>(&self) -> Cif {
        let args = R::args();
        let types: Vec<*mut FfiType> =
            R::each(&args).into_iter().map(|arg| Sample::ffi_type(arg, self)).collect();
        let types = types.leak();
        let count = |n: usize| c_uint::try_from(n).expect("few arguments");
        let all = count(types.len());
        let result = <R::Result as Outcome>::ffi_type(self);
        let mut cif = Cif([0; 64]);
        // SAFETY: the functions' own types; the type arrays live for ever.
        let status = unsafe {
            if let Some(fixed) = R::FIXED {
                let prep: PrepCifVar = transmute(self.symbol("ffi_prep_cif_var"));
                prep(&raw mut cif, UNIX64, count(fixed), all, result, types.as_mut_ptr())
            } else {
                let prep: PrepCif = transmute(self.symbol("ffi_prep_cif"));
                prep(&raw mut cif, UNIX64, all, result, types.as_mut_ptr())
            }
        };
        assert_eq!(status, OK, "{}", R::TITLE);
        cif
    }
}
