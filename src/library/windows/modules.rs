//! The modules of this process: the program, and the libraries that are loaded.
#![allow(unsafe_code)]

use super::super::{AddressInfo, LoadedLibrary};
use super::exports::nearest_export;
use std::ffi::{CStr, OsString, c_void};
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::HMODULE;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW, GetModuleHandleExW, GetModuleHandleW,
    GetProcAddress,
};
use windows_sys::Win32::System::ProcessStatus::K32EnumProcessModules;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// A module: the address where it is loaded.
#[derive(Clone, Copy)]
pub(super) struct Module(HMODULE);

// SAFETY: the loader's functions may be called with it on any thread.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl Module {
    pub(super) fn new(handle: HMODULE) -> Module {
        Module(handle)
    }

    /// The program's.
    pub(super) fn program() -> Module {
        // SAFETY: without a name, this asks for the program, which is always loaded.
        Module(unsafe { GetModuleHandleW(null()) })
    }

    /// The module that an address lies in.
    pub(super) fn of_address(address: *const c_void) -> Option<Module> {
        if address.is_null() {
            // To the loader, that means the program.
            return None;
        }
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
        let mut handle = null_mut();
        // SAFETY: the address is compared with the modules' ranges, and not followed.
        let found = unsafe { GetModuleHandleExW(flags, address.cast(), &mut handle) } != 0;
        found.then_some(Module(handle))
    }

    /// Keeps the module that an address lies in loaded to the end of the process.
    pub(super) fn pin(address: *const c_void) {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        let mut handle = null_mut();
        // SAFETY: as above.
        unsafe { GetModuleHandleExW(flags, address.cast(), &mut handle) };
    }

    pub(super) fn raw(self) -> *mut c_void {
        self.0
    }

    /// The file that it was loaded from; empty where it is gone meanwhile.
    pub(super) fn path(self) -> PathBuf {
        let mut path = vec![0; 260];
        loop {
            let room = u32::try_from(path.len()).unwrap_or(u32::MAX);
            // SAFETY: so much room. A module that is gone is an error to the loader, and no more.
            let len = unsafe { GetModuleFileNameW(self.0, path.as_mut_ptr(), room) };
            let len = usize::try_from(len).unwrap_or(0);
            // What is cut off fills the room.
            if len < path.len() || path.len() > 1 << 16 {
                return OsString::from_wide(&path[..len]).into();
            }
            path.resize(2 * path.len(), 0);
        }
    }

    /// The address of a symbol.
    pub(super) fn symbol(self, symbol: &CStr) -> Option<*const c_void> {
        // SAFETY: a C string. A module that is gone is an error to the loader, and no more.
        let found = unsafe { GetProcAddress(self.0, symbol.as_ptr().cast()) };
        found.map(|function| function as *const c_void)
    }
}

/// All modules, in the loader's order: the program first.
pub(super) fn list() -> Vec<Module> {
    let mut handles: Vec<HMODULE> = vec![null_mut(); 64];
    loop {
        let room = u32::try_from(size_of_val(&*handles)).unwrap_or(u32::MAX);
        let mut needed = 0;
        // SAFETY: so much room, and this process.
        let done = unsafe {
            K32EnumProcessModules(GetCurrentProcess(), handles.as_mut_ptr(), room, &mut needed) != 0
        };
        if !done {
            return Vec::new();
        }
        let count = usize::try_from(needed).unwrap_or(0) / size_of::<HMODULE>();
        if count <= handles.len() {
            handles.truncate(count);
            return handles.into_iter().map(Module).collect();
        }
        // More may be loaded before the next look.
        handles.resize(count + 16, null_mut());
    }
}

/// The libraries that are loaded, in the loader's order.
pub(in super::super) fn loaded_libraries() -> Vec<LoadedLibrary> {
    let library = |module: Module| LoadedLibrary { path: module.path(), base: module.raw().addr() };
    list().into_iter().map(library).collect()
}

/// What an address belongs to.
pub(in super::super) fn address_info(address: *const c_void) -> Option<AddressInfo> {
    let module = Module::of_address(address)?;
    let base = module.raw().cast_const();
    let offset = address.addr().checked_sub(base.addr())?;
    // SAFETY: the loader says that a module is loaded there.
    let export = unsafe { nearest_export(base.cast(), offset) };
    let (symbol, start) = export.map_or((None, 0), |(name, start)| (Some(name), start));
    Some(AddressInfo { library: module.path(), symbol, offset: offset - start })
}
