//! sqlite3 from end to end: a table, a function of SQL that is a Rust closure, parameters, rows, an error.
//!
//! All that is `unsafe` is to vouch for the declarations.

use callsmith::{Callback, Copied, Error, Library, Null, Ptr, c_enum, find_library, opaque};
use std::ffi::CString;

opaque! {
    struct Db = "sqlite3";
    struct Stmt = "sqlite3_stmt";
    struct Context = "sqlite3_context";
    struct Arg = "sqlite3_value";
}

c_enum! {
    enum Status: i32 { Ok = 0, Error = 1, Row = 100, Done = 101 }
}

/// As in sqlite3.h, with what its documentation says of pointers: where there is a string; and that a function of SQL that
/// is made with one argument is given one.
const HEADER: &str = "
    typedef struct sqlite3 sqlite3; typedef struct sqlite3_stmt sqlite3_stmt;
    typedef struct sqlite3_context sqlite3_context; typedef struct sqlite3_value sqlite3_value;
    int sqlite3_open(const char *file, sqlite3 **db);
    int sqlite3_close(sqlite3 *db);
    const char *__null_terminated sqlite3_errmsg(sqlite3 *db);
    int sqlite3_create_function(sqlite3 *db, const char *name, int count, int encoding, void *app,
        void (*call)(sqlite3_context *, int count, sqlite3_value **__counted_by(1) args),
        void (*step)(sqlite3_context *, int, sqlite3_value **), void (*last)(sqlite3_context *));
    double sqlite3_value_double(sqlite3_value *value);
    void sqlite3_result_double(sqlite3_context *context, double result);
    int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int bytes, sqlite3_stmt **stmt, const char **tail);
    int sqlite3_bind_double(sqlite3_stmt *stmt, int index, double value);
    int sqlite3_step(sqlite3_stmt *stmt);
    const unsigned char *__null_terminated sqlite3_column_text(sqlite3_stmt *stmt, int column);
    double sqlite3_column_double(sqlite3_stmt *stmt, int column);
    int sqlite3_finalize(sqlite3_stmt *stmt);";

fn main() -> Result<(), Error> {
    // SAFETY: the declarations are the library's; below, nothing is used after it is closed.
    let sqlite = unsafe { Library::open(find_library("sqlite3")?.name)?.functions(HEADER)? };
    let text = |text: Option<CString>| text.unwrap_or_default().to_string_lossy().into_owned();
    let mut db = Ptr::<Db>::NULL;
    assert_eq!(sqlite.get("sqlite3_open")?.call::<_, Status>((c":memory:", &mut db))?, Status::Ok);

    // area(r), a closure that calls sqlite in turn.
    let (get, give) =
        (sqlite.get("sqlite3_value_double")?.clone(), sqlite.get("sqlite3_result_double")?.clone());
    let area =
        Callback::<fn(Ptr<Context>, i32, Copied<Ptr<Arg>, 1>)>::new(move |context, _, Copied([r])| {
            let r: f64 = get.call((r,)).unwrap_or(f64::NAN);
            let _: Result<(), _> = give.call((context, std::f64::consts::PI * r * r));
        })?;
    let create = sqlite.get("sqlite3_create_function")?;
    assert_eq!(create.call::<_, Status>((db, c"area", 1, 1, Null, &area, Null, Null))?, Status::Ok);

    // Statements: prepared, given a parameter, stepped through.
    let (prepare, mut stmt) = (sqlite.get("sqlite3_prepare_v2")?, Ptr::<Stmt>::NULL);
    for sql in [
        c"create table circle as select 'coin' as name, 1 as r union values ('plate', 13), ('wheel', 31)",
        c"select name, area(r) from circle where r > ? order by r desc",
    ] {
        assert_eq!(prepare.call::<_, Status>((db, sql, -1, &mut stmt, Null))?, Status::Ok);
        let _: Status = sqlite.get("sqlite3_bind_double")?.call((stmt, 1, 2.0))?;
        while sqlite.get("sqlite3_step")?.call::<_, Status>((stmt,))? == Status::Row {
            let name = text(sqlite.get("sqlite3_column_text")?.call((stmt, 0))?);
            println!("{name}: {:.1}", sqlite.get("sqlite3_column_double")?.call::<_, f64>((stmt, 1))?);
        }
        assert_eq!(sqlite.get("sqlite3_finalize")?.call::<_, Status>((stmt,))?, Status::Ok);
    }
    let failed: Status = prepare.call((db, c"select no_such_column from circle", -1, &mut stmt, Null))?;
    println!("{failed:?}: {}", text(sqlite.get("sqlite3_errmsg")?.call((db,))?));
    assert_eq!(sqlite.get("sqlite3_close")?.call::<_, Status>((db,))?, Status::Ok);
    Ok(())
}
