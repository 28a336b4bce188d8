//! `pthread_create` with a callback as start routine.

use super::dying::dies;
use callsmith::callback::{Callback, Threads};
use callsmith::{Error, Function, Library, Ptr};
use std::ffi::c_ulong;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Start = fn(Ptr) -> Ptr;

/// C's `pthread_t`.
type Thread = c_ulong;

const TYPES: &str = "typedef unsigned long pthread_t;";

fn functions() -> Result<(Function, Function), Error> {
    let libc = Library::this_process();
    let create =
        "int pthread_create(pthread_t *thread, const void *attributes, void *(*start)(void *), void *)";
    let join = "int pthread_join(pthread_t thread, void **result)";
    // SAFETY: as glibc's <pthread.h> has them; attributes are always null.
    unsafe { Ok((libc.function(&format!("{TYPES} {create}"))?, libc.function(&format!("{TYPES} {join}"))?)) }
}

fn create<T: Threads>(start: &Callback<Start, T>, argument: Ptr) -> Result<Thread, Error> {
    let mut thread: Thread = 0;
    let status: i32 = functions()?.0.call((&mut thread, Ptr::<std::ffi::c_void>::NULL, start, argument))?;
    assert_eq!(status, 0);
    Ok(thread)
}

fn join(thread: Thread) -> Result<Ptr, Error> {
    let mut result = Ptr::NULL;
    let status: i32 = functions()?.1.call((thread, &mut result))?;
    assert_eq!(status, 0);
    Ok(result)
}

#[test]
fn threads_start_in_a_callback() -> Result<(), Error> {
    let sum = Arc::new(AtomicU64::new(0));
    let adding = Arc::clone(&sum);
    let start = Callback::<Start>::new(move |argument: Ptr| {
        // SAFETY: the numbers below outlive the threads.
        let number = unsafe { *argument.as_ptr().cast::<u64>() };
        adding.fetch_add(number, Ordering::Relaxed);
        argument
    })?;
    let numbers: [u64; 8] = std::array::from_fn(|n| n as u64 + 1);
    // SAFETY: they live until the threads are joined.
    let pointers: Vec<Ptr> =
        numbers.iter().map(|n| unsafe { Ptr::new(std::ptr::from_ref(n).cast()) }).collect();
    let threads: Vec<Thread> = pointers.iter().map(|&p| create(&start, p)).collect::<Result<_, _>>()?;
    for (thread, pointer) in threads.into_iter().zip(pointers) {
        assert_eq!(join(thread)?, pointer);
    }
    assert_eq!(sum.load(Ordering::Relaxed), 36);
    Ok(())
}

#[test]
fn a_thread_takes_what_its_start_owns() -> Result<(), Error> {
    let owned = vec![1, 2, 3];
    let (sender, receiver) = std::sync::mpsc::channel();
    let start = Callback::<Start>::new_once(move |_: Ptr| {
        sender.send(owned).expect("somebody listens");
        Ptr::NULL
    })?;
    let thread = create(&start, Ptr::NULL)?;
    assert!(join(thread)?.is_null());
    assert_eq!(receiver.recv().expect("the vector"), [1, 2, 3]);
    Ok(())
}

#[test]
fn a_panic_stays_in_its_thread() -> Result<(), Error> {
    let (builder, kept) = Callback::<Start>::builder().on_panic(Ptr::NULL);
    let start = builder.shared(|_: Ptr| -> Ptr { panic!("on a thread of C's") })?;
    assert!(join(create(&start, Ptr::NULL)?)?.is_null());
    let words = kept.take().expect("a panic");
    assert_eq!(words.downcast_ref::<&str>(), Some(&"on a thread of C's"));
    Ok(())
}

#[test]
fn a_local_callback_starts_no_thread() {
    let said = [
        "the callback fn(callsmith::data::pointer::Ptr) -> callsmith::data::pointer::Ptr",
        "was called on a thread",
    ];
    dies("pthread::a_local_callback_starts_no_thread", &said, || {
        let start = Callback::<Start>::local(|argument: Ptr| argument).expect("one");
        join(create(&start, Ptr::NULL).expect("a thread")).expect("its end");
    });
}
