//! Times of callbacks: sorting with one, and making them. For times to be compared on one machine; what callbacks cost
//! anywhere is counted in `callbacks`. Each ends with a ratio, of rounds that take turns.
//!
//! ```text
//! cargo bench --bench callback_times
//! ```

use callsmith::Ptr;
use callsmith::callback::Callback;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

criterion_group!(benches, sorting, among_others, on_two_threads);
criterion_main!(benches);

/// Two ways of the same work, in rounds that take turns.
#[derive(Default)]
struct Rounds {
    one: Vec<Duration>,
    other: Vec<Duration>,
}

impl Rounds {
    /// Does both, one after the other; gives the time of each.
    fn round(&mut self, one: impl FnOnce() -> Duration, other: impl FnOnce() -> Duration) -> [Duration; 2] {
        let times = [one(), other()];
        self.one.push(times[0]);
        self.other.push(times[1]);
        times
    }

    /// The median time of the one divided by that of the other.
    fn ratio(mut self) -> f64 {
        let median = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64()
        };
        median(&mut self.one) / median(&mut self.other)
    }
}

unsafe extern "C" {
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
}

/// A C comparator: compiled as a C compiler would.
unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: qsort gives pointers to elements.
    let (a, b) = unsafe { (*a.cast::<c_int>(), *b.cast::<c_int>()) };
    c_int::from(a > b) - c_int::from(a < b)
}

type Comparator = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// qsort of 10,000 ints with a typed callback, and with the C comparator.
fn sorting(criterion: &mut Criterion) {
    let callback = Callback::<fn(Ptr, Ptr) -> c_int>::new(|a: Ptr, b: Ptr| {
        // SAFETY: as in `compare`.
        unsafe { compare(a.as_ptr(), b.as_ptr()) }
    });
    let callback = callback.expect("a callback");
    // SAFETY: a callback of this signature, which outlives the function.
    let by_callback = unsafe { std::mem::transmute::<*const c_void, Comparator>(callback.address()) };
    let numbers = shuffled(10_000);
    let sort = |compare: Comparator| {
        let mut numbers = numbers.clone();
        let start = Instant::now();
        // SAFETY: as many elements of this size.
        unsafe { qsort(numbers.as_mut_ptr().cast(), numbers.len(), size_of::<c_int>(), compare) };
        let time = start.elapsed();
        assert!(numbers.is_sorted());
        time
    };
    let mut rounds = Rounds::default();
    let mut group = criterion.benchmark_group("qsort of 10,000 ints");
    for (index, name) in ["typed callback", "C comparator"].into_iter().enumerate() {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let round = |_| rounds.round(|| sort(by_callback), || sort(compare))[index];
                (0..times).map(round).sum()
            });
        });
    }
    group.finish();
    println!(
        "qsort with a typed callback takes {:.3} times as long (at most 1.3 is aimed at)\n",
        rounds.ratio()
    );
}

/// Numbers in no order (Knuth's multiplicative hash).
fn shuffled(count: u32) -> Vec<c_int> {
    (0..count).map(|n| n.wrapping_mul(2_654_435_761).cast_signed()).collect()
}

/// Makes so many, and drops them; gives the time that the making took.
fn make(count: u64) -> Duration {
    let mut live = Vec::with_capacity(usize::try_from(count).expect("few"));
    let start = Instant::now();
    for n in 0..count {
        live.push(one(n));
    }
    let time = start.elapsed();
    drop(black_box(live));
    time
}

fn one(n: u64) -> Callback<fn(u64) -> u64> {
    Callback::new(move |k: u64| k ^ n).expect("a callback")
}

/// How many are made at once, below.
const BATCH: u64 = 1000;

/// Making callbacks while others live.
fn among_others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("making a callback while others live");
    for others in [0, 1_000, 10_000, 100_000] {
        let live: Vec<_> = (0..others).map(one).collect();
        group.bench_function(BenchmarkId::from_parameter(others), |bencher| {
            bencher.iter_custom(|times| (0..times.div_ceil(BATCH)).map(|_| make(BATCH)).sum());
        });
        drop(live);
    }
    group.finish();
    let mut rounds = Rounds::default();
    for _ in 0..15 {
        let among = || {
            let _live: Vec<_> = (0..100_000).map(one).collect();
            make(BATCH)
        };
        rounds.round(among, || make(BATCH));
    }
    let ratio = rounds.ratio();
    println!("making one among 100,000 takes {ratio:.3} times as long as making one alone\n");
}

/// Making and dropping callbacks on two threads at once, and on one.
fn on_two_threads(criterion: &mut Criterion) {
    /// Both threads start together; the slower one's time.
    fn both() -> Duration {
        let together = Barrier::new(2);
        let work = || {
            together.wait();
            make_and_drop(100 * BATCH)
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(work);
            let own = work();
            own.max(other.join().expect("no panic"))
        })
    }
    let mut rounds = Rounds::default();
    let mut group = criterion.benchmark_group("making and dropping 100,000 callbacks");
    group.sample_size(10);
    for (index, name) in ["on each of two threads", "on one thread"].into_iter().enumerate() {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let round = |_| rounds.round(both, || make_and_drop(100 * BATCH))[index];
                (0..times).map(round).sum()
            });
        });
    }
    group.finish();
    let ratio = rounds.ratio();
    println!(
        "on two threads at once each takes {ratio:.3} times as long as one alone (at most 1.25 is aimed at)"
    );
}

fn make_and_drop(count: u64) -> Duration {
    let start = Instant::now();
    for n in 0..count {
        drop(black_box(one(n)));
    }
    start.elapsed()
}
