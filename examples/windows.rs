//! Windows' API: the locales that the system has, by a callback, and the program's own file. Runs on Windows only.

#[cfg(windows)]
fn main() -> Result<(), callsmith::Error> {
    use callsmith::{CharBuffer, DynCallback, Library, Ptr, Value, memory};
    use std::ffi::c_void;
    use std::sync::{Arc, Mutex};

    let kernel32 = Library::open("kernel32")?;
    // SAFETY: as Microsoft's documentation has them; below, the length is the buffer's.
    let (enumerate, file_name) = unsafe {
        (
            kernel32.function(
                "int WINAPI EnumSystemLocalesA(int (CALLBACK *each)(char *locale), unsigned flags)",
            )?,
            kernel32
                .function("unsigned WINAPI GetModuleFileNameA(void *module, char *name, unsigned size)")?,
        )
    };

    let locales = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&locales);
    // The callback's convention is the declaration's: on 32-bit Windows not that of C.
    let each = enumerate.prototype().params[0].ty.prototype().expect("a function");
    let each = DynCallback::new(&each, move |args| {
        if let Value::Pointer(locale) = args.get(0) {
            // SAFETY: a string, by the documentation.
            let locale = unsafe { memory::string_at(locale, None) };
            found.lock().expect("a lock").extend(locale.ok());
        }
        Value::I32(1) // go on
    })?;
    const INSTALLED: u32 = 1;
    assert_ne!(enumerate.call::<_, i32>((&each, INSTALLED))?, 0);
    let locales = locales.lock().expect("a lock");
    println!("{} locales, the first {}", locales.len(), String::from_utf8_lossy(&locales[0]));

    let mut name = CharBuffer::new(260);
    let length: u32 = file_name.call((Ptr::<c_void>::NULL, &mut name, 260))?;
    assert_eq!(length as usize, name.value().len());
    println!("{}", String::from_utf8_lossy(name.value()));
    Ok(())
}

#[cfg(not(windows))]
fn main() {
    println!("this example is for Windows");
}
