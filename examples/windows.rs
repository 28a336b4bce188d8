//! Windows' API: the locales that the system has, by a callback, and the program's own file. Runs on Windows only.
//!
//! All that is `unsafe` is to vouch for the declarations.

#[cfg(windows)]
fn main() -> Result<(), callsmith::Error> {
    use callsmith::callback::Stdcall;
    use callsmith::{Callback, CharBuffer, LibraryOptions, Null};
    use std::ffi::CString;
    use std::sync::{Arc, Mutex};

    let declarations = "
        int EnumSystemLocalesA(int (CALLBACK *each)(char *__null_terminated locale), unsigned flags);
        unsigned GetModuleFileNameA(void *module, char *name, unsigned size);";
    // SAFETY: as Microsoft's documentation has them; below, the length is the buffer's.
    let kernel32 = unsafe { LibraryOptions::windll().open("kernel32")?.functions(declarations)? };

    let locales = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&locales);
    let each = Callback::<Stdcall<fn(Option<CString>) -> i32>>::new(move |locale: Option<CString>| {
        found.lock().expect("a lock").extend(locale);
        1 // go on
    })?;
    const INSTALLED: u32 = 1;
    assert_ne!(kernel32.get("EnumSystemLocalesA")?.call::<_, i32>((&each, INSTALLED))?, 0);
    let locales = locales.lock().expect("a lock");
    println!("{} locales, the first {}", locales.len(), locales[0].to_string_lossy());

    let mut name = CharBuffer::new(260);
    let length: u32 = kernel32.get("GetModuleFileNameA")?.call((Null, &mut name, 260))?;
    assert_eq!(length as usize, name.value().len());
    println!("{}", String::from_utf8_lossy(name.value()));
    Ok(())
}

#[cfg(not(windows))]
fn main() {
    println!("this example is for Windows");
}
