//! libffi, found when the program runs: the yardstick.
//!
//! # Safety
//! The types and prototypes here are those of libffi's `ffi.h`; the types of each call are made from the signature that
//! our own call has.
#![allow(unsafe_code)]

use callsmith::arch::abi::{Aapcs64, X86Call, X86Flavour};
use callsmith::arch::layout::{Float, Place, Scalar, Type};
use callsmith::arch::{Abi, Signature};
use callsmith::{Error, Library, host};
use std::ffi::{CStr, c_char, c_int, c_uint, c_ushort, c_void};
use std::mem::transmute;
use std::ptr::null;

/// The names that libffi goes by, the newest first.
const NAMES: [&str; 2] = ["libffi.so.8", "libffi.so.7"];

/// `ffi_type`
#[repr(C)]
struct FfiType {
    size: usize,
    alignment: c_ushort,
    kind: c_ushort,
    elements: *const *const FfiType,
}

/// `FFI_TYPE_STRUCT`
const STRUCT: c_ushort = 13;

/// `ffi_cif`, with room for what some targets add.
#[repr(C)]
struct Cif {
    abi: c_uint,
    nargs: c_uint,
    arg_types: *const *const FfiType,
    rtype: *const FfiType,
    bytes: c_uint,
    flags: c_uint,
    more: [u64; 8],
}

type PrepCif = unsafe extern "C" fn(*mut Cif, c_uint, c_uint, *const FfiType, *const *const FfiType) -> c_int;
type PrepCifVar =
    unsafe extern "C" fn(*mut Cif, c_uint, c_uint, c_uint, *const FfiType, *const *const FfiType) -> c_int;
type Call = unsafe extern "C" fn(*mut Cif, *const c_void, *mut c_void, *const *const c_void);
type PlanAlloc = unsafe extern "C" fn(*mut Cif) -> *mut c_void;
type PlanInvoke = unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, *const *const c_void);

/// An open libffi.
pub(super) struct Libffi {
    library: Library,
    prep_cif: PrepCif,
    prep_cif_var: PrepCifVar,
    call: Call,
    /// Since 3.7.
    plans: Option<(PlanAlloc, PlanInvoke)>,
}

/// What libffi prepares for a signature. It is never freed: the program ends with its last use.
#[derive(Clone, Copy)]
pub(super) struct Prepared {
    cif: *mut Cif,
    call: Call,
    /// Where this libffi has call plans.
    pub(super) plan: Option<Plan>,
}

/// A call plan of libffi.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    plan: *mut c_void,
    invoke: PlanInvoke,
}

impl Libffi {
    /// The libffi at `path`, or else the system's; `None` where there is none.
    pub(super) fn open(path: Option<&str>) -> Result<Option<Libffi>, Error> {
        let library = match path {
            Some(path) => Library::open(path)?,
            None => match NAMES.into_iter().find_map(|name| Library::open(name).ok()) {
                Some(library) => library,
                None => return Ok(None),
            },
        };
        let [prep_cif, prep_cif_var, call] =
            ["ffi_prep_cif", "ffi_prep_cif_var", "ffi_call"].map(|name| library.symbol(name));
        let plan = ["ffi_call_plan_alloc", "ffi_call_plan_invoke"].map(|name| library.symbol(name));
        // SAFETY: the functions of these names have these types.
        let libffi = unsafe {
            Libffi {
                prep_cif: transmute::<*const c_void, PrepCif>(prep_cif?),
                prep_cif_var: transmute::<*const c_void, PrepCifVar>(prep_cif_var?),
                call: transmute::<*const c_void, Call>(call?),
                plans: match plan {
                    [Ok(alloc), Ok(invoke)] => Some((
                        transmute::<*const c_void, PlanAlloc>(alloc),
                        transmute::<*const c_void, PlanInvoke>(invoke),
                    )),
                    _ => None,
                },
                library,
            }
        };
        Ok(Some(libffi))
    }

    /// The name it was found by and, where it tells, its version.
    pub(super) fn title(&self) -> String {
        let name = self.library.name();
        let Ok(address) = self.library.symbol("ffi_get_version") else { return name.into() };
        // SAFETY: the function of this name has this type, and gives back a constant string.
        let version = unsafe {
            let get: unsafe extern "C" fn() -> *const c_char = transmute(address);
            CStr::from_ptr(get())
        };
        format!("{name} {}", version.to_string_lossy())
    }

    /// Prepares calls of `signature`; `None` where libffi has no such type or refuses.
    pub(super) fn prepare(&self, signature: &Signature) -> Option<Prepared> {
        let abi = match host::ABI {
            // `FFI_UNIX64` and `FFI_GNUW64`
            Abi::SysV64 => 2,
            Abi::Win64 => 4,
            // `FFI_SYSV` and `FFI_WIN64`
            Abi::Aapcs64(Aapcs64::Linux | Aapcs64::Darwin) => 1,
            Abi::Aapcs64(Aapcs64::Windows) => 2,
            // `FFI_SYSV`, `FFI_MS_CDECL`, `FFI_STDCALL`, `FFI_FASTCALL` and `FFI_THISCALL`
            Abi::X86(X86Call::Cdecl, X86Flavour::Linux) => 1,
            Abi::X86(X86Call::Cdecl, X86Flavour::Mingw | X86Flavour::Msvc) => 8,
            Abi::X86(X86Call::Stdcall, _) => 5,
            Abi::X86(X86Call::Fastcall, _) => 4,
            Abi::X86(X86Call::Thiscall, _) => 3,
        };
        let params =
            signature.params().iter().map(|ty| self.ffi_type(ty)).collect::<Option<Vec<_>>>()?.leak();
        let result = match signature.result() {
            Some(ty) => self.ffi_type(ty)?,
            None => self.basic("void")?,
        };
        let count = c_uint::try_from(params.len()).ok()?;
        let cif = Box::leak(Box::new(Cif {
            abi,
            nargs: 0,
            arg_types: null(),
            rtype: null(),
            bytes: 0,
            flags: 0,
            more: [0; 8],
        }));
        // SAFETY: the types live for ever, and the cif has room for libffi's.
        let status = unsafe {
            match signature.fixed() {
                Some(fixed) => {
                    let fixed = c_uint::try_from(fixed).ok()?;
                    (self.prep_cif_var)(cif, abi, fixed, count, result, params.as_ptr())
                }
                None => (self.prep_cif)(cif, abi, count, result, params.as_ptr()),
            }
        };
        if status != 0 {
            return None;
        }
        let cif: *mut Cif = cif;
        let plan = self.plans.and_then(|(alloc, invoke)| {
            // SAFETY: the cif is prepared, and lives for ever.
            let plan = unsafe { alloc(cif) };
            (!plan.is_null()).then_some(Plan { plan, invoke })
        });
        Some(Prepared { cif, call: self.call, plan })
    }

    fn ffi_type(&self, ty: &Type) -> Option<*const FfiType> {
        match ty {
            Type::Scalar(scalar) => self.basic(name_of(*scalar)?),
            Type::Record(record) => {
                let mut elements = Vec::new();
                for field in &record.fields {
                    let Place::Bytes(_) = field.place else { return None };
                    elements.push(self.ffi_type(&field.ty)?);
                }
                elements.push(null());
                let elements = elements.leak().as_ptr();
                Some(Box::leak(Box::new(FfiType { size: 0, alignment: 0, kind: STRUCT, elements })))
            }
            Type::Complex(_) | Type::Vector(_) | Type::Array(_) => None,
        }
    }

    /// `ffi_type_name`
    fn basic(&self, name: &str) -> Option<*const FfiType> {
        self.library.symbol(&format!("ffi_type_{name}")).ok().map(<*const c_void>::cast)
    }
}

fn name_of(scalar: Scalar) -> Option<&'static str> {
    match scalar {
        Scalar::Bool | Scalar::U8 => Some("uint8"),
        Scalar::I8 => Some("sint8"),
        Scalar::I16 => Some("sint16"),
        Scalar::U16 => Some("uint16"),
        Scalar::I32 => Some("sint32"),
        Scalar::U32 => Some("uint32"),
        Scalar::I64 => Some("sint64"),
        Scalar::U64 => Some("uint64"),
        Scalar::Pointer => Some("pointer"),
        Scalar::Float(Float::F32) => Some("float"),
        Scalar::Float(Float::F64) => Some("double"),
        Scalar::I128 | Scalar::U128 | Scalar::Float(Float::F16 | Float::X87 | Float::F128) => None,
    }
}

impl Prepared {
    /// `ffi_call`
    ///
    /// # Safety
    /// The signature prepared is that of `target`; the pointers are to its arguments; `result` has room for it, and for
    /// 8 bytes.
    #[inline(always)]
    pub(super) unsafe fn call(&self, target: *const c_void, args: *const *const c_void, result: *mut c_void) {
        // SAFETY: the caller's promise; libffi writes nothing to a prepared cif.
        unsafe { (self.call)(self.cif, target, result, args) }
    }
}

impl Plan {
    /// `ffi_call_plan_invoke`
    ///
    /// # Safety
    /// As for [`Prepared::call`].
    #[inline(always)]
    pub(super) unsafe fn invoke(
        &self,
        target: *const c_void,
        args: *const *const c_void,
        result: *mut c_void,
    ) {
        // SAFETY: the caller's promise.
        unsafe { (self.invoke)(self.plan, target, result, args) }
    }
}
