//! `sqlite3_exec` and `sqlite3_create_function`.

use super::{element, installed, text};
use callsmith::callback::{self, Callback, DynCallback};
use callsmith::{Error, Function, Library, Ptr, Value, opaque};
use std::ffi::CStr;
use std::sync::{Arc, Mutex};

opaque! {
    struct Db = "sqlite3";
    struct Context = "sqlite3_context";
    struct SqlValue = "sqlite3_value";
}

const TYPES: &str = "typedef struct sqlite3 sqlite3; typedef struct sqlite3_context sqlite3_context;
    typedef struct sqlite3_value sqlite3_value;";
const CREATE: &str = "int sqlite3_create_function(sqlite3 *db, const char *name, int args, int encoding, void *app,
    void (*function)(sqlite3_context *, int, sqlite3_value **), void (*step)(sqlite3_context *, int, sqlite3_value **),
    void (*final)(sqlite3_context *))";

type Row = fn(Ptr, i32, Ptr<Ptr<i8>>, Ptr<Ptr<i8>>) -> i32;
type Call = fn(Ptr<Context>, i32, Ptr<Ptr<SqlValue>>);
type Final = fn(Ptr<Context>);

const UTF8: i32 = 1;
const OK: i32 = 0;
const ABORT: i32 = 4;

/// An open database.
struct Base {
    library: Library,
    db: Ptr<Db>,
}

fn function(library: &Library, declaration: &str) -> Result<Function, Error> {
    // SAFETY: each as sqlite3.h has it.
    unsafe { library.function(&format!("{TYPES} {declaration}")) }
}

impl Base {
    fn open() -> Result<Option<Base>, Error> {
        let Some(library) = installed("libsqlite3.so.0") else { return Ok(None) };
        let open = function(&library, "int sqlite3_open(const char *file, sqlite3 **db)")?;
        let mut db = Ptr::NULL;
        assert_eq!(open.call::<_, i32>((c":memory:", &mut db))?, OK);
        Ok(Some(Base { library, db }))
    }

    fn function(&self, declaration: &str) -> Result<Function, Error> {
        function(&self.library, declaration)
    }

    /// The status and the rows.
    fn rows(&self, sql: &CStr) -> Result<(i32, Vec<Vec<String>>), Error> {
        let exec = self.function(
            "int sqlite3_exec(sqlite3 *, const char *sql, int (*row)(void *, int, char **, char **), void *, char **error)",
        )?;
        let mut rows = Vec::new();
        let take = |_: Ptr, count: i32, values: Ptr<Ptr<i8>>, names: Ptr<Ptr<i8>>| {
            assert!(!text(element(names, 0)).is_empty());
            let row: Vec<_> = (0..count as usize).map(|i| text(element(values, i))).collect();
            let stop = row[0] == "stop";
            rows.push(row);
            i32::from(stop)
        };
        let status = callback::scoped::<Row, _, _>(take, |take| {
            let (argument, error) = (Ptr::<std::ffi::c_void>::NULL, Ptr::<Ptr<i8>>::NULL);
            exec.call::<_, i32>((self.db, sql, take, argument, error))
        })??;
        Ok((status, rows))
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let close = self.function("int sqlite3_close(sqlite3 *)").expect("sqlite3_close");
        assert_eq!(close.call::<_, i32>((self.db,)).expect("a call"), OK);
    }
}

#[test]
fn exec_gives_rows() -> Result<(), Error> {
    let Some(base) = Base::open()? else { return Ok(()) };
    let made = base.rows(
        c"create table t(name text, n int); insert into t values ('a', 1), ('b', 2), ('stop', 3), ('d', 4)",
    )?;
    assert_eq!(made, (OK, vec![]));
    let (status, rows) = base.rows(c"select name, n from t where n < 3 order by n desc")?;
    assert_eq!((status, rows), (OK, vec![vec!["b".into(), "2".into()], vec!["a".into(), "1".into()]]));
    let (status, rows) = base.rows(c"select name from t order by n")?;
    assert_eq!((status, rows.len()), (ABORT, 3));
    Ok(())
}

/// The callback calls sqlite, which called it from a call of ours.
#[test]
fn functions_in_sql_are_closures() -> Result<(), Error> {
    let Some(base) = Base::open()? else { return Ok(()) };
    let create = base.function(CREATE)?;
    let (get, give) = (
        base.function("double sqlite3_value_double(sqlite3_value *)")?.typed::<(Ptr<SqlValue>,), f64>()?,
        base.function("void sqlite3_result_double(sqlite3_context *, double)")?
            .typed::<(Ptr<Context>, f64), ()>()?,
    );
    let none = None::<&Callback<Call>>;
    let no_final = None::<&Callback<Final>>;
    let no_app = Ptr::<std::ffi::c_void>::NULL;

    let (get_it, give_it) = (get.clone(), give.clone());
    let power = Callback::<Call>::new(move |context: Ptr<Context>, count: i32, args: Ptr<Ptr<SqlValue>>| {
        assert_eq!(count, 2);
        let [base, exponent] = [0, 1].map(|i| get_it.call((element(args, i),)));
        give_it.call((context, base.powf(exponent)));
    })?;
    let status: i32 = create.call((base.db, c"power", 2, UTF8, no_app, &power, none, no_final))?;
    assert_eq!(status, OK);
    assert_eq!(base.rows(c"select power(2, 10), power(3, 2)")?.1, [["1024.0", "9.0"]]);

    let total = Arc::new(Mutex::new(0.0));
    let (adding, reading) = (Arc::clone(&total), Arc::clone(&total));
    let step = Callback::<Call>::new(move |_: Ptr<Context>, _: i32, args: Ptr<Ptr<SqlValue>>| {
        *adding.lock().expect("a lock") += get.call((element(args, 0),)).powi(2);
    })?;
    let last = Callback::<Final>::new(move |context: Ptr<Context>| {
        give.call((context, *reading.lock().expect("a lock")))
    })?;
    let status: i32 = create.call((base.db, c"squares", 1, UTF8, no_app, none, &step, &last))?;
    assert_eq!(status, OK);
    base.rows(c"create table n(x); insert into n values (1), (2), (3)")?;
    assert_eq!(base.rows(c"select squares(x) from n")?.1, [["14.0"]]);
    Ok(())
}

/// As `ctypes` would do it: nothing is known when the program is compiled.
#[test]
fn dynamic_functions_and_kept_panics() -> Result<(), Error> {
    let Some(base) = Base::open()? else { return Ok(()) };
    let create = base.function(CREATE)?;
    let give = base.function("void sqlite3_result_int64(sqlite3_context *, long long)")?;
    let prototype = create.prototype().params[5].ty.prototype().expect("a function");
    let builder = DynCallback::builder(&prototype)?;
    let (builder, kept) = builder.on_panic(&Value::Void)?;
    let count = builder.shared(move |args| {
        let count = args.get(1);
        assert_ne!(count, Value::I32(0), "no arguments");
        give.call_values(&[args.get(0), count]).expect("a call")
    })?;
    let null = || Value::Pointer(Ptr::NULL);
    // SAFETY: for this parameter; it lives until the database is closed.
    let function = unsafe { count.value_for(&create.prototype().params[5].ty) }.expect("a function");
    // SAFETY: the name is for ever; sqlite gave the database.
    let (db, name) =
        unsafe { (Value::Pointer(base.db.cast()), Value::Pointer(Ptr::new(c"count_args".as_ptr().cast()))) };
    let status =
        create.call_values(&[db, name, (-1).into(), UTF8.into(), null(), function, null(), null()])?;
    assert_eq!(status, Value::I32(OK));
    assert_eq!(base.rows(c"select count_args(1, 'x', null)")?.1, [["3"]]);
    assert!(kept.take().is_none());
    let (status, _) = base.rows(c"select coalesce(count_args(), 'nothing')")?;
    assert_eq!(status, OK);
    assert!(kept.take().is_some());
    Ok(())
}
