//! Functions to call: as little work as reads every argument.

use callsmith::{Ptr, c_struct};
use std::ffi::c_long;

c_struct! {
    /// In two vector registers.
    pub(super) struct Pair { x: f64, y: f64 }
    /// In memory.
    pub(super) struct Triple { a: c_long, b: c_long, c: c_long }
    /// In one register of each kind.
    pub(super) struct Mixed { n: c_long, x: f64 }
    /// In two vector registers, the first of which holds two members.
    pub(super) struct Floats { a: f32, b: f32, c: f32 }
}

pub(super) const PAIR: Pair = Pair { x: 1.5, y: 2.5 };
pub(super) const TRIPLE: Triple = Triple { a: 1, b: 2, c: 3 };
pub(super) const MIXED: Mixed = Mixed { n: 7, x: 0.5 };

pub(super) extern "C" fn nothing() {}

pub(super) extern "C" fn one(n: i32) -> i32 {
    n.wrapping_add(1)
}

pub(super) extern "C" fn two(x: f64, y: f64) -> f64 {
    x + y
}

pub(super) extern "C" fn six(a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long {
    a ^ b ^ c ^ d ^ e ^ f
}

#[allow(clippy::too_many_arguments)] // this many is what is measured
pub(super) extern "C" fn eight(a: i32, b: f64, c: c_long, d: f32, e: Ptr, f: f64, g: i16, h: i8) -> f64 {
    let integers = a ^ i32::from(g) ^ i32::from(h);
    let floats = b + f64::from(d) + f;
    if e.is_null() && c == 0 && integers == 0 { 0.0 } else { floats }
}

#[allow(clippy::too_many_arguments)] // as above
pub(super) extern "C" fn fourteen(
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
    g: c_long,
    h: c_long,
    i: c_long,
    j: c_long,
    k: c_long,
    l: c_long,
    m: c_long,
    n: c_long,
) -> c_long {
    a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l ^ m ^ n
}

pub(super) extern "C" fn pairs(a: Pair, b: Pair) -> Pair {
    Pair { x: a.x + b.x, y: a.y + b.y }
}

pub(super) extern "C" fn triple(t: Triple) -> Triple {
    Triple { a: t.c, b: t.a, c: t.b }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // any arithmetic will do
pub(super) extern "C" fn mixed(m: Mixed) -> Floats {
    Floats { a: m.x as f32, b: m.n as f32, c: 1.0 }
}

/// Called as `int(const void *, ...)`: in the host's ABI the arguments behind the `...` are where a function without
/// one finds them.
pub(super) extern "C" fn variadic(text: Ptr, n: i32, x: f64, more: Ptr) -> i32 {
    if text == more && x < 0.0 { 0 } else { n.wrapping_add(1) }
}
