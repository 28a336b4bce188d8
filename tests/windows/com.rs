//! COM: a real object of the system's, by the indices of its methods.

use callsmith::{
    Error, ErrorKind, Function, HResult, Library, LibraryOptions, Ptr, ctype::Prototype, decl, host,
};
use std::ffi::c_void;

fn prototype(text: &str) -> Prototype {
    decl::parse_prototype(text, host::MODEL).expect(text)
}

/// `IMalloc`, the task allocator, from `CoGetMalloc`. Indices: 0 to 2 are `IUnknown`'s, 3 `Alloc`, 4 `Realloc`, 5 `Free`,
/// 6 `GetSize`, 7 `DidAlloc` (objidl.h).
#[test]
fn the_task_allocator_allocates() -> Result<(), Error> {
    let ole32 = Library::open("ole32")?;
    // SAFETY: as Microsoft's documentation has it.
    let get_malloc = unsafe { ole32.function("int WINAPI CoGetMalloc(unsigned context, void **out)")? };
    let mut malloc = Ptr::<c_void>::NULL;
    get_malloc.call::<_, HResult>((1u32, &mut malloc))?.ok()?;
    assert!(!malloc.is_null());
    // SAFETY: the interface as objidl.h declares it; what is allocated is freed once.
    unsafe {
        let method = |index, text| Function::from_vtable(malloc, index, prototype(text));
        let add = method(1, "unsigned WINAPI AddRef(void *self)")?;
        let release = method(2, "unsigned WINAPI Release(void *self)")?;
        let alloc = method(3, "void *WINAPI Alloc(void *self, size_t size)")?;
        let realloc = method(4, "void *WINAPI Realloc(void *self, void *memory, size_t size)")?;
        let free = method(5, "void WINAPI Free(void *self, void *memory)")?;
        let size = method(6, "size_t WINAPI GetSize(void *self, void *memory)")?;
        let did = method(7, "int WINAPI DidAlloc(void *self, void *memory)")?;
        assert!(add.call::<_, u32>((malloc,))? >= 1);
        let memory: Ptr = alloc.call((malloc, 100usize))?;
        assert!(!memory.is_null());
        memory.as_ptr().cast::<u8>().write_bytes(0x5a, 100);
        assert_eq!(size.call::<_, usize>((malloc, memory))?, 100);
        assert_eq!(did.call::<_, i32>((malloc, memory))?, 1);
        let memory: Ptr = realloc.call((malloc, memory, 5000usize))?;
        assert_eq!(size.call::<_, usize>((malloc, memory))?, 5000);
        assert_eq!(memory.as_ptr().cast::<u8>().add(99).read(), 0x5a);
        free.call::<_, ()>((malloc, memory))?;
        release.call::<_, u32>((malloc,))?;
        let query = method(0, "int WINAPI QueryInterface(void *self, const void *iid, void **out)")?;
        // IID_IUnknown, and one that nobody has.
        let unknown: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
        let mut out = Ptr::<c_void>::NULL;
        query.call::<_, HResult>((malloc, &unknown[..], &mut out))?.ok()?;
        assert_eq!(out, malloc);
        let error =
            query.call::<_, HResult>((malloc, &[0xffu8; 16][..], &mut out))?.ok().expect_err("no such");
        assert!(error.to_string().starts_with("HRESULT 0x80004002"), "{error}");
    }
    Ok(())
}

/// ctypes' `oledll`: one line, after which functions without a declared result return an `HRESULT`, whose failure is an
/// error with the system's text.
#[test]
fn a_failure_of_ole32_is_an_error() -> Result<(), Error> {
    let ole32 = LibraryOptions::oledll().open("ole32")?;
    // SAFETY: as Microsoft's documentation has it; an allocator is not used.
    let get_malloc = unsafe { ole32.function("CoGetMalloc(unsigned context, void **out)")? };
    assert_eq!(get_malloc.prototype().result.to_string(), "HRESULT");
    let mut malloc = Ptr::<c_void>::NULL;
    assert_eq!(get_malloc.call::<_, i32>((1u32, &mut malloc))?, 0);
    assert!(!malloc.is_null());
    let error = get_malloc.call::<_, i32>((77u32, &mut malloc)).expect_err("the context must be 1");
    let ErrorKind::HResult { function, code, text } = error.kind() else { panic!("{error}") };
    assert_eq!((function.as_deref(), *code), (Some("CoGetMalloc"), 0x8007_0057), "E_INVALIDARG");
    assert!(text.as_ref().is_some_and(|text| !text.is_empty()), "{error}");
    Ok(())
}

/// A GUID of the shell's: all of them differ in their first number only.
fn shells(first: u32) -> [u8; 16] {
    let mut guid = [0; 16];
    guid[..4].copy_from_slice(&first.to_le_bytes());
    (guid[8], guid[15]) = (0xc0, 0x46);
    guid
}

/// `IShellLinkA` from the class factory of the library that has it, so that no registry is asked. Indices: 3 of
/// `IClassFactory` `CreateInstance` (unknwn.h); 6 `GetDescription`, 7 `SetDescription` (shobjidl.h).
#[test]
fn a_shell_link_keeps_its_description() -> Result<(), Error> {
    let shell32 = Library::open("shell32")?;
    // SAFETY: as Microsoft's documentation and headers have them; lengths are the buffers'.
    unsafe {
        let class_object = shell32
            .function("int WINAPI DllGetClassObject(const void *class, const void *iid, void **factory)")?;
        let (mut factory, mut link) = (Ptr::<c_void>::NULL, Ptr::<c_void>::NULL);
        let (shell_link, class_factory) = (shells(0x0002_1401), shells(1));
        class_object.call::<_, HResult>((&shell_link[..], &class_factory[..], &mut factory))?.ok()?;
        let method = |object, index, text| Function::from_vtable(object, index, prototype(text));
        let create = "int WINAPI CreateInstance(void *self, void *outer, const void *iid, void **object)";
        let create = method(factory, 3, create)?;
        create
            .call::<_, HResult>((factory, Ptr::<c_void>::NULL, &shells(0x0002_14ee)[..], &mut link))?
            .ok()?;
        let set = method(link, 7, "int WINAPI SetDescription(void *self, const char *text)")?;
        let get = method(link, 6, "int WINAPI GetDescription(void *self, char *text, int size)")?;
        let release = method(link, 2, "unsigned WINAPI Release(void *self)")?;
        set.call::<_, HResult>((link, c"made at run time"))?.ok()?;
        let mut text = [0u8; 64];
        get.call::<_, HResult>((link, &mut text[..], 64))?.ok()?;
        assert!(text.starts_with(b"made at run time\0"), "{text:?}");
        assert_eq!(release.call::<_, u32>((link,))?, 0);
    }
    Ok(())
}
