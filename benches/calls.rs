//! How long a call takes, for some signatures and each way of calling. For times to be compared on one machine; what a
//! call costs anywhere is counted in `instructions`.

#[path = "support/mod.rs"]
mod support;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use support::libffi::Libffi;
use support::ways::{self, Prepared, Way};
use support::{Row, rows};

criterion_group!(benches, calls);
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
