//! "Function prototypes": by address, by name, by index in an object's table; results that are error codes.

use super::structures::ty;
use callsmith::{Error, Function, HResult, Ptr, Routine, Value, decl, host, opaque};

opaque! {
    /// An object that counts its references, as COM's do.
    struct Counter = "counter";
}

/// What a C++ compiler makes of a class with virtual functions: objects begin with a pointer to their table.
const SOURCE: &str = r#"
    typedef int HRESULT;
    struct counter { const struct table *table; int references; };
    struct table {
        HRESULT (*query)(struct counter *, int wanted, struct counter **out);
        unsigned (*add)(struct counter *);
        unsigned (*release)(struct counter *);
    };
    static HRESULT query(struct counter *c, int wanted, struct counter **out) {
        if (wanted != 7) { *out = 0; return (HRESULT)0x80004002; }
        c->references++; *out = c; return 0;
    }
    static unsigned add(struct counter *c) { return ++c->references; }
    static unsigned release(struct counter *c) { return --c->references; }
    static const struct table table = { query, add, release };
    struct counter object = { &table, 1 }, broken = { 0, 0 };
    int twice(int x) { return 2 * x; }
    int (*pick(void))(int) { return twice; }
"#;

fn prototype(text: &str) -> callsmith::ctype::Prototype {
    decl::parse_prototype(text, host::MODEL).expect(text)
}

#[test]
fn a_method_is_called_by_its_index() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: the object above and the prototypes of its methods; nobody else uses it.
    unsafe {
        let object = Ptr::<Counter>::new(library.symbol("object")?.cast());
        let method = |index, text| Function::from_vtable(object, index, prototype(text));
        let add = method(1, "unsigned add(struct counter *self)")?;
        assert_eq!(add.call::<_, u32>((object,))?, 2);
        let release = method(2, "unsigned release(struct counter *self)")?;
        assert_eq!(release.call::<_, u32>((object,))?, 1);
        let query = method(0, "int query(struct counter *self, int wanted, struct counter **out)")?;
        let mut out = Ptr::<Counter>::NULL;
        assert_eq!(query.call::<_, HResult>((object, 7, &mut out))?.ok()?, 0);
        assert_eq!(out, object);
        let error =
            query.call::<_, HResult>((object, 8, &mut out))?.ok().expect_err("E_NOINTERFACE").to_string();
        assert!(error.starts_with("HRESULT 0x80004002"), "{error}");
        assert!(out.is_null());
        // The output as a value, the code as an error.
        let query = Routine::new(query).output("out")?.check(|outcome| {
            HResult(outcome.result()?).ok()?;
            Ok(outcome)
        });
        let [Value::Pointer(found)] = query.call().arg(object).arg(7).run()?.into_values()[..] else {
            panic!("one pointer")
        };
        assert_eq!(found, object.erase());
        let error = query.call().arg(object).arg(8).run().expect_err("E_NOINTERFACE").to_string();
        assert!(error.starts_with("query failed: HRESULT 0x80004002"), "{error}");
        // NULL on the way there.
        let null =
            |object| Function::from_vtable(object, 1, prototype("unsigned add(void *)")).expect_err("NULL");
        assert_eq!(null(Ptr::<Counter>::NULL).to_string(), "NULL pointer to an object");
        let broken = Ptr::new(library.symbol("broken")?.cast());
        assert_eq!(null(broken).to_string(), "NULL pointer to a table of functions");
    }
    Ok(())
}

#[test]
fn a_prototype_is_bound_to_an_address_or_a_name() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    let twice = prototype("int twice(int x)");
    // SAFETY: the functions above.
    unsafe {
        let by_address = Function::from_address(library.symbol("twice")?, twice.clone())?;
        let by_name = library.function_of(twice)?;
        assert_eq!((by_address.call::<_, i32>((4,))?, by_name.call::<_, i32>((5,))?), (8, 10));
        assert_eq!(by_address.address(), by_name.address());
        // One that C gives back.
        let pick = library.function("int (*pick(void))(int)")?;
        let Value::Pointer(picked) = pick.call_values(&[])? else { panic!("a pointer") };
        let picked = Function::from_pointer(picked, &ty("int (*)(int)"))?;
        assert_eq!(picked.call::<_, i32>((6,))?, 12);
    }
    Ok(())
}
