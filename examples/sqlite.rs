//! sqlite3 from end to end: a table, a function of SQL that is a Rust closure, parameters, rows, an error.
//!
//! All that is `unsafe` is to vouch for the declarations.

use callsmith::decl::Declarations;
use callsmith::{Callback, Library, Ptr, find_library, host, opaque};
use std::error::Error;
use std::ffi::{CString, c_void};

opaque! {
    struct Db = "sqlite3";
    struct Stmt = "sqlite3_stmt";
    struct Context = "sqlite3_context";
    struct Arg = "sqlite3_value";
}

const HEADER: &str = "
    enum { SQLITE_OK = 0, SQLITE_UTF8 = 1, SQLITE_ROW = 100, SQLITE_DONE = 101 };
    typedef struct sqlite3 sqlite3; typedef struct sqlite3_stmt sqlite3_stmt;
    typedef struct sqlite3_context sqlite3_context; typedef struct sqlite3_value sqlite3_value;
    typedef const char *__null_terminated text;
    int sqlite3_open(const char *file, sqlite3 **db);
    int sqlite3_close(sqlite3 *db);
    text sqlite3_errmsg(sqlite3 *db);
    int sqlite3_create_function(sqlite3 *db, const char *name, int args, int encoding, void *app,
        void (*call)(sqlite3_context *, int, sqlite3_value **),
        void (*step)(sqlite3_context *, int, sqlite3_value **), void (*last)(sqlite3_context *));
    double sqlite3_value_double(sqlite3_value *value);
    void sqlite3_result_double(sqlite3_context *context, double result);
    int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int bytes, sqlite3_stmt **stmt, const char **tail);
    int sqlite3_bind_double(sqlite3_stmt *stmt, int index, double value);
    int sqlite3_step(sqlite3_stmt *stmt);
    const unsigned char *__null_terminated sqlite3_column_text(sqlite3_stmt *stmt, int column);
    double sqlite3_column_double(sqlite3_stmt *stmt, int column);
    int sqlite3_finalize(sqlite3_stmt *stmt);";

/// The only argument of a function that is declared to sqlite with one.
fn only(args: Ptr<Ptr<Arg>>) -> Ptr<Arg> {
    // SAFETY: sqlite gives as many as were declared.
    unsafe { args.as_ptr().read() }
}

fn main() -> Result<(), Box<dyn Error>> {
    let header = Declarations::parse(HEADER, host::MODEL)?;
    let constant = |name| i32::try_from(header.constant(name).unwrap_or(-1)).unwrap_or(-1);
    let (ok, row) = (constant("SQLITE_OK"), constant("SQLITE_ROW"));
    // SAFETY: as sqlite3.h has them; below, nothing is used after it is closed.
    let sqlite = unsafe { Library::open(find_library("sqlite3")?.name)?.bind(&header) };

    let mut db: Ptr<Db> = Ptr::NULL;
    let opened: i32 = sqlite.get("sqlite3_open")?.call((c":memory:", &mut db))?;
    assert_eq!(opened, ok);

    // area(r), as a closure that calls sqlite in turn.
    let (value, result) =
        (sqlite.get("sqlite3_value_double")?.clone(), sqlite.get("sqlite3_result_double")?.clone());
    let area = Callback::<fn(Ptr<Context>, i32, Ptr<Ptr<Arg>>)>::new(move |context, _, args| {
        let r: f64 = value.call((only(args),)).unwrap_or(f64::NAN);
        let _: Result<(), _> = result.call((context, std::f64::consts::PI * r * r));
    })?;
    let none = None::<&Callback<fn(Ptr<Context>, i32, Ptr<Ptr<Arg>>)>>;
    let last = None::<&Callback<fn(Ptr<Context>)>>;
    let create = sqlite.get("sqlite3_create_function")?;
    let created: i32 =
        create.call((db, c"area", 1, constant("SQLITE_UTF8"), Ptr::<c_void>::NULL, &area, none, last))?;
    assert_eq!(created, ok);

    // Statements: prepared, given a parameter, stepped through.
    for sql in [
        c"create table circle(name text, r real)",
        c"insert into circle values ('coin', 1), ('plate', 13), ('wheel', 31)",
        c"select name, area(r) from circle where r > ? order by r desc",
        c"select no_such_column from circle",
    ] {
        let mut stmt: Ptr<Stmt> = Ptr::NULL;
        let tail = Ptr::<Ptr<i8>>::NULL;
        let prepared: i32 = sqlite.get("sqlite3_prepare_v2")?.call((db, sql, -1, &mut stmt, tail))?;
        if prepared != ok {
            let message: Option<CString> = sqlite.get("sqlite3_errmsg")?.call((db,))?;
            println!("error: {}", message.unwrap_or_default().to_string_lossy());
            continue;
        }
        let _: i32 = sqlite.get("sqlite3_bind_double")?.call((stmt, 1, 2.0))?;
        while sqlite.get("sqlite3_step")?.call::<_, i32>((stmt,))? == row {
            let name: Option<CString> = sqlite.get("sqlite3_column_text")?.call((stmt, 0))?;
            let area: f64 = sqlite.get("sqlite3_column_double")?.call((stmt, 1))?;
            println!("{}: {area:.1}", name.unwrap_or_default().to_string_lossy());
        }
        let _: i32 = sqlite.get("sqlite3_finalize")?.call((stmt,))?;
    }
    let closed: i32 = sqlite.get("sqlite3_close")?.call((db,))?;
    assert_eq!(closed, ok);
    Ok(())
}
