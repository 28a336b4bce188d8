//! How long callbacks live: drops in odd places, forks, closed libraries, many at once.

use super::c::{at, called_back, library};
#[cfg(target_os = "linux")]
use super::dying::alone;
use callsmith::callback::{self, Callback, DynCallback, ThisThread};
use callsmith::{Error, Function, Ptr, Value, decl, host};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const INT: &str = "int f(int)";

fn call(function: &Function, n: i32) -> i32 {
    function.call((n,)).expect("a call")
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counted() -> (Counted, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    (Counted(Arc::clone(&count)), count)
}

#[test]
fn a_closure_is_dropped_once() -> Result<(), Error> {
    let (content, dropped) = counted();
    let callback =
        Callback::<fn(i32) -> i32>::new(move |n: i32| n + content.0.load(Ordering::SeqCst) as i32)?;
    assert_eq!(call(&called_back(&callback, INT), 1), 1);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(callback);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);

    let (content, dropped) = counted();
    let callback = Callback::<fn(i32) -> i32>::new_once(move |n: i32| {
        let _content = content;
        n
    })?;
    assert_eq!(call(&called_back(&callback, INT), 1), 1);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    drop(callback);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn leaked_and_forgotten_callbacks_go_on() -> Result<(), Error> {
    let (content, dropped) = counted();
    let add = move |n: i32| n + content.0.load(Ordering::SeqCst) as i32;
    let leaked: &'static Callback<fn(i32) -> i32> = Callback::new(add)?.leak();
    assert_eq!(call(&at(leaked.address(), INT), 3), 3);

    let forgotten = Callback::<fn(i32) -> i32>::local(|n: i32| n + 1)?;
    let function = called_back(&forgotten, INT);
    std::mem::forget(forgotten);
    assert_eq!(call(&function, 3), 4);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn a_callback_for_ever_is_an_argument_like_any_other() -> Result<(), Error> {
    let Some(library) = library("int twice(int (*f)(int), int n) { return f(f(n)); }", &[]) else {
        return Ok(());
    };
    // SAFETY: as defined above.
    let twice = unsafe { library.function("int twice(int (*f)(int), int n)")? };
    let (content, dropped) = counted();
    let add =
        Callback::<fn(i32) -> i32>::forever(move |n: i32| n + 1 + content.0.load(Ordering::SeqCst) as i32)?;
    assert_eq!(twice.call::<_, i32>((add, 40))?, 42);
    let other = twice.clone();
    let on_another_thread = std::thread::spawn(move || other.call::<_, i32>((add, 1)));
    assert_eq!(on_another_thread.join().expect("no panic")?, 3);
    thousand(1);
    assert_eq!(twice.call::<_, i32>((add, 5))?, 7);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn dynamic_callbacks_are_of_any_closure() -> Result<(), Error> {
    let prototype = decl::parse_prototype(INT, host::MODEL)?;
    let integer = |value: Value| value.as_integer().and_then(|n| n.fit::<i32>()).unwrap_or(0);
    let mut sum = 0;
    let adds = DynCallback::local_mut(&prototype, move |args| {
        sum += integer(args.get(0));
        Value::I32(sum)
    })?;
    let mut sum = 0;
    let adds_anywhere = DynCallback::new_mut(&prototype, move |args| {
        sum += integer(args.get(0));
        Value::I32(sum)
    })?;
    for address in [adds.address(), adds_anywhere.address()] {
        let add = at(address, INT);
        let sums: Vec<i32> = (1..=4).map(|n| call(&add, n)).collect();
        assert_eq!(sums, [1, 3, 6, 10]);
    }
    let anywhere = at(adds_anywhere.address(), INT);
    assert_eq!(std::thread::spawn(move || call(&anywhere, 5)).join().expect("no panic"), 15);

    let mut seen = Vec::new();
    let keep = |args: &callback::CallbackArgs<'_>| {
        seen.push(integer(args.get(0)));
        Value::I32(seen.len() as i32)
    };
    let last = DynCallback::builder(&prototype)?.scoped(keep, |keeps| {
        let keep = at(keeps.address(), INT);
        (call(&keep, 30), call(&keep, 40)).1
    })?;
    assert_eq!((last, seen), (2, vec![30, 40]));

    let (content, dropped) = counted();
    let once = DynCallback::new_once(&prototype, move |args| {
        let _content = content;
        args.get(0)
    })?;
    let local_once = DynCallback::local_once(&prototype, |args| args.get(0))?;
    assert_eq!((call(&at(once.address(), INT), 7), call(&at(local_once.address(), INT), 8)), (7, 8));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    Ok(())
}

/// Without the count of who is inside: as good as any, where nobody is inside when it is dropped.
#[test]
fn raw_callbacks_come_and_go() -> Result<(), Error> {
    let builder = DynCallback::builder(&decl::parse_prototype(INT, host::MODEL)?)?;
    let (content, dropped) = counted();
    let content = Arc::new(content);
    for k in 0..2000 {
        let kept = Arc::clone(&content);
        // SAFETY: reads an int, writes an int; dropped when its call is over.
        let callback = unsafe {
            builder.raw(move |args, result| {
                let n = (*args).cast::<i32>().read() + k + Arc::strong_count(&kept) as i32;
                result.cast::<i32>().write(n);
            })?
        };
        assert_eq!(call(&at(callback.address(), INT), 1), k + 3);
    }
    assert_eq!((Arc::strong_count(&content), dropped.load(Ordering::SeqCst)), (1, 0));
    Ok(())
}

#[test]
fn a_callback_may_drop_itself() -> Result<(), Error> {
    type Local = Callback<fn(i32) -> i32, ThisThread>;
    let place: Rc<RefCell<Option<Local>>> = Rc::default();
    let (content, dropped) = counted();
    let (inner, seen) = (Rc::clone(&place), Arc::clone(&dropped));
    let callback = Callback::<fn(i32) -> i32>::local_mut(move |n: i32| {
        drop(inner.borrow_mut().take());
        assert_eq!(seen.load(Ordering::SeqCst), 0, "dropped while it runs");
        n + content.0.load(Ordering::SeqCst) as i32 + 1
    })?;
    let function = called_back(&callback, INT);
    place.replace(Some(callback));
    assert_eq!(call(&function, 1), 2);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn a_call_inside_finishes_when_another_thread_drops() -> Result<(), Error> {
    let (content, dropped) = counted();
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (entered, released) = (Arc::clone(&inside), Arc::clone(&go_on));
    let callback = Callback::<fn(i32) -> i32>::new(move |n: i32| {
        entered.wait();
        released.wait();
        // Here the callback is dropped, and its closure is not.
        n + content.0.load(Ordering::SeqCst) as i32
    })?;
    let function = called_back(&callback, INT);
    let caller = std::thread::spawn(move || call(&function, 5));
    inside.wait();
    std::thread::spawn(move || drop(callback)).join().expect("a drop");
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    // Many come and go; none in the memory that the caller is in.
    for k in 0..5000 {
        let other = Callback::<fn(i32) -> i32>::new(move |n: i32| n + k)?;
        assert_eq!(call(&called_back(&other, INT), 1), k + 1);
    }
    go_on.wait();
    assert_eq!(caller.join().expect("a call"), 5);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn a_slot_rests() -> Result<(), Error> {
    let make = || Callback::<fn(i32) -> i32>::local(|n: i32| n);
    let mut recent = Vec::new();
    for _ in 0..2000 {
        let address = make()?.address();
        let rested: &[_] = &recent[recent.len().saturating_sub(256)..];
        assert!(!rested.contains(&address), "reused after less than 256 drops");
        recent.push(address);
    }
    let distinct: HashSet<_> = recent.iter().collect();
    assert!(distinct.len() < 1000, "never reused: {}", distinct.len());
    Ok(())
}

#[test]
fn a_scope_ends_with_what_it_borrows() -> Result<(), Error> {
    let mut seen = Vec::new();
    let mut address = std::ptr::null();
    let sum = callback::scoped::<fn(i32) -> i32, _, _>(
        |n: i32| {
            seen.push(n);
            n
        },
        |callback| {
            address = callback.address();
            let function = called_back(callback, INT);
            (0..10).map(|n| call(&function, n)).sum::<i32>()
        },
    )?;
    assert_eq!((sum, seen.len()), (45, 10));
    let panicked = std::panic::catch_unwind(|| {
        let count = Cell::new(0);
        callback::scoped::<fn(i32) -> i32, _, ()>(|n: i32| n + count.get(), |_| panic!("out of the scope"))
    });
    assert!(panicked.is_err());

    let total = AtomicUsize::new(0);
    let add = |n: i32| {
        total.fetch_add(n as usize, Ordering::Relaxed);
        n
    };
    callback::scoped_shared::<fn(i32) -> i32, _, _>(add, |callback| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let function = called_back(callback, INT);
                    (0..1000).for_each(|_| assert_eq!(call(&function, 1), 1));
                });
            }
        });
    })?;
    assert_eq!(total.load(Ordering::Relaxed), 4000);
    Ok(())
}

/// The scope's end waits for a call that another thread is in.
#[test]
fn a_scope_waits() -> Result<(), Error> {
    let (inside, finished) = (Barrier::new(2), AtomicBool::new(false));
    let slow = |n: i32| {
        inside.wait();
        std::thread::sleep(Duration::from_millis(50));
        finished.store(true, Ordering::SeqCst);
        n
    };
    let caller = callback::scoped_shared::<fn(i32) -> i32, _, _>(slow, |callback| {
        let function = called_back(callback, INT);
        let caller = std::thread::spawn(move || call(&function, 1));
        inside.wait();
        caller
    })?;
    assert!(finished.load(Ordering::SeqCst));
    assert_eq!(caller.join().expect("a call"), 1);
    Ok(())
}

const DEEP: i32 = 1000;

#[test]
fn callbacks_and_c_call_each_other_deeply() -> Result<(), Error> {
    let Some(library) = library("int again(int (*f)(int), int n) { return f(n) + 1; }", &[]) else {
        return Ok(());
    };
    // SAFETY: as defined above.
    let again = unsafe { library.function("int again(int (*f)(int), int n)")? };
    // Into itself, typed; and through a new callback at each depth, typed and dynamic.
    static ITSELF: AtomicUsize = AtomicUsize::new(0);
    let (outer, inner) = (again.clone(), again.clone());
    let recursive = Callback::<fn(i32) -> i32>::new(move |n: i32| {
        if n == 0 {
            return 0;
        }
        // SAFETY: this callback's own address.
        let itself = unsafe { Ptr::<fn(i32) -> i32>::new(ITSELF.load(Ordering::Relaxed) as *const _) };
        inner.call((itself, n - 1)).expect("a call")
    })?;
    ITSELF.store(recursive.address().expose_provenance(), Ordering::Relaxed);
    assert_eq!(outer.call::<_, i32>((&recursive, DEEP))?, DEEP + 1);

    fn typed(again: &Function, n: i32) -> i32 {
        if n == 0 {
            return 0;
        }
        let deeper = again.clone();
        let callback = Callback::<fn(i32) -> i32>::new(move |n: i32| typed(&deeper, n)).expect("a callback");
        again.call((&callback, n - 1)).expect("a call")
    }
    assert_eq!(typed(&again, DEEP), DEEP);

    fn dynamic(again: &Function, n: i32) -> i32 {
        if n == 0 {
            return 0;
        }
        let prototype = again.prototype().params[0].ty.prototype().expect("a function");
        let deeper = again.clone();
        let callback = DynCallback::new(&prototype, move |args| match args.get(0) {
            Value::I32(n) => Value::I32(dynamic(&deeper, n)),
            _ => Value::Void,
        });
        again.call((&callback.expect("a callback"), n - 1)).expect("a call")
    }
    assert_eq!(dynamic(&again, DEEP), DEEP);
    Ok(())
}

/// Makes, calls and drops callbacks, typed and dynamic, many alive at once.
fn thousand(by: i32) {
    let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
    let typed: Vec<_> =
        (0..1000).map(|k| Callback::<fn(i32) -> i32>::new(move |n: i32| n + k * by).expect("one")).collect();
    let dynamic: Vec<_> = (0..1000)
        .map(|k| {
            let callback = DynCallback::new(&prototype, move |args| match args.get(0) {
                Value::I32(n) => Value::I32(n - k * by),
                _ => Value::Void,
            });
            callback.expect("one")
        })
        .collect();
    for (k, (typed, dynamic)) in (0..).zip(typed.iter().zip(&dynamic)) {
        assert_eq!(call(&called_back(typed, INT), 1), 1 + k * by);
        assert_eq!(call(&at(dynamic.address(), INT), 1), 1 - k * by);
    }
}

/// In a process of its own, which has no other tests' threads. One thread makes and drops callbacks all the time.
#[cfg(unix)] // there is no fork elsewhere
#[test]
fn a_fork_parts_callbacks() {
    alone("lives::a_fork_parts_callbacks", || {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let busy = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                thousand(7)
            }
        });
        let shared = Callback::<fn(i32) -> i32>::new({
            let content = Box::new(10);
            move |n: i32| n + *content
        });
        let shared = shared.expect("one");
        let function = called_back(&shared, INT);
        for round in 0..20 {
            // SAFETY: the child calls nothing that another thread of the parent may have locked, but for the allocator,
            // which glibc makes usable in children, and callsmith.
            let child = unsafe { libc::fork() };
            assert!(child >= 0, "no fork");
            thousand(if child == 0 { 3 } else { 2 });
            assert_eq!(call(&function, round), round + 10);
            if child == 0 {
                drop(shared);
                // SAFETY: ends the child, without the parent's destructors. A failed assertion does not get here.
                unsafe { libc::_exit(0) };
            }
            let mut status = 0;
            // SAFETY: our own child.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "the child of round {round}");
        }
        assert_eq!(call(&function, 1), 11);
        stop.store(true, Ordering::Relaxed);
        busy.join().expect("the busy thread");
    });
}

#[test]
fn a_closed_library_takes_no_callback_with_it() -> Result<(), Error> {
    let source = "static int (*held)(int);
        void hold(int (*f)(int)) { held = f; }
        int use(int n) { return held(n); }";
    for early in [false, true] {
        let Some(library) = library(source, &[]) else { return Ok(()) };
        let callback = Callback::<fn(i32) -> i32>::new({
            let content = Box::new(2);
            move |n: i32| n * *content
        })?;
        {
            // SAFETY: as defined above; `use` is called after `hold`.
            let (hold, using) =
                unsafe { (library.function("void hold(int (*f)(int))")?, library.function("int use(int)")?) };
            hold.call::<_, ()>((&callback,))?;
            assert_eq!(using.call::<_, i32>((21,))?, 42);
        }
        if early {
            drop(callback);
            library.close()?;
        } else {
            library.close()?;
            assert_eq!(call(&called_back(&callback, INT), 4), 8);
        }
        thousand(1);
    }
    Ok(())
}

/// How long the threads below run; `CALLSMITH_SECONDS` says otherwise.
fn seconds() -> Duration {
    let wanted = std::env::var("CALLSMITH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(wanted.unwrap_or(2.0))
}

#[test]
fn eight_threads_make_call_and_drop() {
    let end = Instant::now() + seconds();
    let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let prototype = &prototype;
            scope.spawn(move || {
                let mut live = Vec::new();
                let mut round = 0;
                while Instant::now() < end {
                    for _ in 0..100 {
                        round += 1;
                        live.push(shuffled(round, thread, prototype));
                    }
                    while live.len() > 700 {
                        live.swap_remove(round % live.len())(round as i32);
                    }
                    if round % 1000 == 0 {
                        // Its slots and the closures in them go elsewhere.
                        let moved: Vec<_> = live.drain(..300).collect();
                        scope.spawn(move || moved.into_iter().for_each(|check| check(1)));
                    }
                }
            });
        }
    });
}

/// A callback with a check that calls and drops it.
fn shuffled(
    round: usize,
    thread: usize,
    prototype: &callsmith::ctype::Prototype,
) -> Box<dyn FnOnce(i32) + Send> {
    let by = (round * 8 + thread) as i32;
    let content = Box::new(by);
    match round % 3 {
        0 => {
            let callback = Callback::<fn(i32) -> i32>::new(move |n: i32| n ^ *content).expect("one");
            Box::new(move |n| assert_eq!(call(&called_back(&callback, INT), n), n ^ by))
        }
        1 => {
            let callback = Callback::<fn(i32) -> i32>::new_mut(move |n: i32| n ^ *content).expect("one");
            Box::new(move |n| assert_eq!(call(&called_back(&callback, INT), n), n ^ by))
        }
        _ => {
            let callback = DynCallback::new(prototype, move |args| match args.get(0) {
                Value::I32(n) => Value::I32(n ^ *content),
                _ => Value::Void,
            });
            let callback = callback.expect("one");
            Box::new(move |n| assert_eq!(call(&at(callback.address(), INT), n), n ^ by))
        }
    }
}

#[cfg(target_os = "linux")] // what `/proc` says
/// Bytes of private mappings that are code, and of those that lie right behind: the slots. The system shows them as one
/// with memory of malloc's that happens to follow, so of those no more than twice the code counts.
fn thunk_and_data_bytes() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let mut bytes = 0;
    let (mut code_end, mut code_bytes) = (0, 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, protection) = (words.next().expect("a range"), words.next().expect("a protection"));
        let (start, end) = range.split_once('-').expect("a range");
        let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).expect("an address"));
        let anonymous = words.nth(2) == Some("0") && words.next().is_none();
        if anonymous && protection == "r-xp" {
            (code_end, code_bytes) = (end, end - start);
            bytes += code_bytes;
        } else if anonymous && protection == "rw-p" && code_end == start {
            bytes += (end - start).min(2 * code_bytes);
        }
    }
    bytes
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_take_48_bytes_each() {
    alone("lives::a_hundred_thousand_take_48_bytes_each", || {
        let make = |k: i32| Callback::<fn(i32) -> i32>::new(move |n: i32| n + k).expect("one");
        let before = thunk_and_data_bytes();
        let live: Vec<_> = (0..100_000).map(make).collect();
        let each = (thunk_and_data_bytes() - before) as f64 / live.len() as f64;
        eprintln!("{each} bytes of thunk and data pages for each of {} live callbacks", live.len());
        assert!((24.0..=48.0).contains(&each), "{each}");
        for (k, callback) in (0..).zip(&live).step_by(511) {
            assert_eq!(call(&called_back(callback, INT), 1), 1 + k);
        }
    });
}
