//! "Accessing values exported from dlls".

use super::structures::ty;
use callsmith::{Error, Value};

const SOURCE: &str = r#"
    int version = 0x30c00a0;
    struct frozen { const char *name; const unsigned char *code; int size; const unsigned char *get_code; };
    static const unsigned char code[1];
    static struct frozen modules[] = {
        { "_frozen_importlib", code, 31764 }, { "_frozen_importlib_external", code, 41499 }, { "zipimport", code, 12345 }, { 0 },
    };
    const struct frozen *table = modules;
    struct { int x, y; } corner = { 3, 4 };
    int read_y(void) { return corner.y; }
"#;

/// `Py_Version` and `_PyImport_FrozenBootstrap`, in a library of our own.
#[test]
fn a_number_and_a_table_are_read_from_a_library() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    let frozen = ty("struct struct_frozen { const char *name; const unsigned char *code; int size; \
                     const unsigned char *get_code; } *");
    // SAFETY: variables of these types; the table ends with a NULL name, and its names are strings.
    let items = unsafe {
        assert_eq!(library.variable::<i32>("version")?.get(), 0x30c_00a0);
        assert_eq!(library.data_variable("version", &ty("int"))?.get()?, Value::I32(0x30c_00a0));
        let table = library.data_variable("table", &frozen)?;
        let table = table.view()?;
        let mut items = Vec::new();
        for index in 0.. {
            let item = table.contents_at(index)?;
            let name = item.at("name")?.pointer()?;
            if name.is_null() {
                break;
            }
            let name = callsmith::memory::string_at(name, None)?;
            items.push(format!("{} {}", String::from_utf8_lossy(&name), item.get("size")?));
        }
        items
    };
    assert_eq!(items, ["_frozen_importlib 31764", "_frozen_importlib_external 41499", "zipimport 12345"]);
    Ok(())
}

#[test]
fn a_variable_is_written_where_c_reads_it() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: a variable and a function of these types.
    let (corner, read_y) = unsafe {
        (library.data_variable("corner", &ty("struct { int x, y; }"))?, library.function("int read_y(void)")?)
    };
    assert_eq!(
        (corner.get_at("x")?, corner.get()?.to_string().as_str()),
        (Value::I32(3), "{.x = 3, .y = 4}")
    );
    corner.set("y", 40)?;
    assert_eq!(read_y.call::<_, i32>(())?, 40);
    // SAFETY: nothing is made.
    assert!(unsafe { library.data_variable("nowhere", &ty("int")) }.is_err());
    // SAFETY: as above.
    assert!(unsafe { library.data_variable("corner", &ty("struct unknown")) }.is_err());
    Ok(())
}
