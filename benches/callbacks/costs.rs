//! What it costs to make a callback of a known signature and to drop it.

use super::cells::{Cell, Line};
use super::counter::{Counts, TIMES, count};
use super::rows::{Held, Owned};
use super::support::libffi::{Cif, Libffi};
use callsmith::callback::{Callback, DynCallback};
use callsmith::decl::parse_prototype;
use callsmith::host::MODEL;
use std::ffi::c_void;
use std::hint::black_box;

/// At most so much, besides the allocation of the closure.
const LIMIT: u64 = 60;

/// What is counted by itself, to be taken off: a loop that does nothing, and one that allocates about as much as a context
/// is, and frees it.
const NOTHING: &str = "nothing";
const BOX: &str = "a box";

/// A kind of callback.
struct Kind {
    name: &'static str,
    /// Which of the two is taken off.
    without: &'static str,
    limit: Option<u64>,
    /// How far above the limit it is known to be.
    known: u64,
    make_and_drop: Box<dyn FnMut()>,
}

type Int = fn(i32) -> i32;

/// What is expected.
const MADE: &str = "a callback";

fn kinds(ffi: Option<&Libffi>) -> Vec<Kind> {
    fn kind(
        name: &'static str,
        without: &'static str,
        known: u64,
        make_and_drop: impl FnMut() + 'static,
    ) -> Kind {
        Kind { name, without, limit: Some(LIMIT), known, make_and_drop: Box::new(make_and_drop) }
    }
    let k = black_box(1);
    let prototype = parse_prototype("int f(int)", MODEL).expect("a prototype");
    let builder = DynCallback::builder(&prototype).expect("a builder");
    let mut kinds = vec![
        kind("`Callback::new`, no captures", NOTHING, 0, || {
            drop(Callback::<Int>::new(|n: i32| n + 1).expect(MADE));
        }),
        kind("`Callback::new`", NOTHING, 0, move || {
            drop(Callback::<Int>::new(move |n: i32| n + k).expect(MADE));
        }),
        kind("`Callback::new`, owning", NOTHING, 9, move || {
            let owned = Owned(Held { whole: i64::from(k), real: 0.0 });
            drop(Callback::<Int>::new(move |n: i32| n + i32::from(owned.held().whole == 0)).expect(MADE));
        }),
        kind("`Callback::local_mut`", NOTHING, 0, move || {
            let mut sum = k;
            let add = move |n: i32| {
                sum += n;
                sum
            };
            drop(Callback::<Int>::local_mut(add).expect(MADE));
        }),
        kind("`DynCallback::raw`", NOTHING, 0, move || {
            // SAFETY: never called.
            drop(unsafe { builder.raw(move |_, result| result.cast::<i32>().write(k)) }.expect(MADE));
        }),
    ];
    if let Some(ffi) = ffi {
        let cif =
            Box::leak(Box::new(ffi.prepare_types(vec![ffi.basic("sint32")], None, ffi.basic("sint32"))));
        let make_and_drop = ffi.make_and_free_closure(cif, nothing);
        kinds.push(Kind {
            name: "libffi's closure",
            without: NOTHING,
            limit: None,
            known: 0,
            make_and_drop: Box::new(make_and_drop),
        });
    }
    kinds
}

unsafe extern "C" fn nothing(_: *mut Cif, _: *mut c_void, _: *const *const c_void, _: *mut c_void) {}

/// What a count is called.
fn key(name: &str) -> String {
    format!("making and dropping {name}")
}

/// Counts.
pub(crate) fn count_all(ffi: Option<&Libffi>) {
    let run = |name: &str, make_and_drop: &mut dyn FnMut()| {
        count(&key(name), |times| (0..times).for_each(|_| black_box(&mut *make_and_drop)()));
    };
    run(NOTHING, &mut || ());
    run(BOX, &mut || drop(black_box(Box::<[u64; 10]>::new_uninit())));
    for mut kind in kinds(ffi) {
        run(kind.name, &mut kind.make_and_drop);
    }
}

/// The line of a table.
pub(crate) fn line(counts: &Counts, ffi: Option<&Libffi>) -> Line {
    // The mean: now and then a thread takes more slots.
    let mean = |name| counts.get(&key(name)).map(|all| all.div_ceil(TIMES));
    let cell = |Kind { name, without, limit, known, .. }: Kind| Cell {
        way: name,
        count: mean(name).zip(mean(without)).map(|(all, other)| all - other),
        limit,
        known,
    };
    Line { title: "int(int)", cells: kinds(ffi).into_iter().map(cell).collect() }
}
