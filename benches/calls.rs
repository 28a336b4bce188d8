//! How long a call takes, for some signatures and each way of calling, and how long it takes to prepare a function. For
//! times to be compared on one machine; what a call costs anywhere is counted in `instructions`, what preparing one does in
//! `preparation`.

#[path = "support/mod.rs"]
mod support;

use callsmith::Function;
use callsmith::ctype::Prototype;
use callsmith::decl::parse_prototype;
use callsmith::host::MODEL;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use support::libffi::Libffi;
use support::ways::{self, Prepared, Way};
use support::{Row, rows};

criterion_group!(benches, calls, preparation);
criterion_main!(benches);

fn calls(criterion: &mut Criterion) {
    let ffi = Libffi::open();
    row::<rows::Int>(criterion, ffi.as_ref());
    row::<rows::SixLongs>(criterion, ffi.as_ref());
    row::<rows::EightMixed>(criterion, ffi.as_ref());
    row::<rows::Triples>(criterion, ffi.as_ref());
    row::<rows::Variadic>(criterion, ffi.as_ref());
}

/// Times each way of one signature.
fn row<R: Row>(criterion: &mut Criterion, ffi: Option<&Libffi>) {
    let mut group = criterion.benchmark_group(R::TITLE);
    for way in Way::ALL {
        match way {
            Way::Direct => time(&mut group, way, ways::direct::<R>()),
            Way::Typed => time(&mut group, way, ways::typed::<R>()),
            Way::Tuple => time(&mut group, way, ways::tuple::<R>()),
            Way::Errno => time(&mut group, way, ways::errno::<R>()),
            Way::Values => time(&mut group, way, ways::values::<R>()),
            Way::Gather => time(&mut group, way, ways::gather::<R>()),
            Way::Slots => time(&mut group, way, ways::slots::<R>()),
            Way::Libffi => {
                if let Some(ffi) = ffi {
                    time(&mut group, way, ways::libffi::<R>(ffi));
                }
            }
            Way::LibffiPlan => {
                if let Some(plan) = ffi.and_then(ways::libffi_plan::<R>) {
                    time(&mut group, way, plan);
                }
            }
        }
    }
    group.finish();
}

fn time<B>(group: &mut BenchmarkGroup<'_, WallTime>, way: Way, prepared: Prepared<B>) {
    let Prepared { call, mut block } = prepared;
    group.bench_function(way.name().replace('`', ""), |bencher| {
        bencher.iter(|| black_box(call)(0, 0, black_box(&mut block)));
    });
}

/// Times making a function of eight parameters from its prototype: of a signature that is known, and of one that is new.
fn preparation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("preparation, 8 arguments");
    // Each new signature stays: not for long.
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let make = |prototype: Prototype| {
        // SAFETY: never called.
        unsafe { Function::from_address(preparation as fn(&mut Criterion) as _, prototype) }
    };
    let known = another(0);
    group.bench_function("a known signature", |bencher| {
        bencher.iter_batched(|| known.clone(), make, BatchSize::SmallInput);
    });
    let mut number = 0;
    group.bench_function("a new signature", |bencher| {
        let new = || {
            number += 1;
            another(number)
        };
        bencher.iter_batched(new, make, BatchSize::SmallInput);
    });
    if let Some(ffi) = Libffi::open() {
        let types = TYPES.map(|(_, name)| ffi.basic(name)).to_vec();
        let mut prepare = ffi.preparing(types, ffi.basic("double"));
        group.bench_function("libffi's ffi_prep_cif", |bencher| bencher.iter(&mut prepare));
    }
    group.finish();
}

/// Types in C, and by libffi's names.
const TYPES: [(&str, &str); 8] = [
    ("int", "sint32"),
    ("double", "double"),
    ("long", "sint64"),
    ("float", "float"),
    ("void *", "pointer"),
    ("unsigned", "uint32"),
    ("short", "sint16"),
    ("char", "sint8"),
];

/// Each number's own function: its digits to base 8 say of which types its parameters are.
fn another(number: usize) -> Prototype {
    let digits = (0..8).map(|place| TYPES[number >> (3 * place) & 7].0);
    let params: Vec<&str> = digits.collect();
    parse_prototype(&format!("double f({})", params.join(", ")), MODEL).expect("a prototype")
}
