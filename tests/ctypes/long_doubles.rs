//! `long double` as a number: what it is to a `double`, judged by gcc on the same machine.

use super::c;
use super::support::rng::Rng;
use super::support::{count, note, seed};
use callsmith::arch::layout::Float;
use callsmith::{Error, LongDouble};

const SOURCE: &str = "#include <stddef.h>
    void widen(const double *from, long double *to, size_t n) { for (size_t i = 0; i < n; i++) to[i] = from[i]; }
    void narrow(const long double *from, double *to, size_t n) { for (size_t i = 0; i < n; i++) to[i] = from[i]; }";

/// Any double but a NaN, of which C says little; each kind of them often.
fn double(rng: &mut Rng) -> f64 {
    let bits = match rng.below(4) {
        0 => rng.next() & 0x800f_ffff_ffff_ffff,
        1 => rng.next() & 0x8000_0000_0000_000f,
        _ => rng.next(),
    };
    let number = f64::from_bits(bits);
    if number.is_nan() { f64::INFINITY } else { number }
}

/// A number of whichever format it is here: about as large as a double can be, or as small, or neither; its digits random,
/// or just what lies halfway between two doubles, or beside that.
fn long_double(rng: &mut Rng) -> LongDouble {
    let around = [0x3fff, 0x43fe, 0x3c01, 0x3bcc, 1];
    let exponent = (rng.pick(&around) + rng.below(120)).saturating_sub(60);
    let word = exponent.min(0x7ffe) | rng.below(2) << 15;
    let digits = u128::from(rng.next()) << 64 | u128::from(rng.next());
    // The first 112 are a fraction; 52 are a double's, or fewer.
    let kept = 128 - 52 + u32::try_from(rng.below(54)).expect("small");
    let half = 1u128.checked_shl(kept - 1).unwrap_or(0);
    let above = digits.checked_shr(kept).unwrap_or(0).checked_shl(kept).unwrap_or(0);
    let digits = match rng.below(6) {
        0 => above | half,
        1 => above | half | 1 << 65,
        2 => (above | half).wrapping_sub(1 << 65),
        3 => above,
        4 => u128::MAX,
        _ => digits,
    };
    let mut bytes = [0; LongDouble::SIGNIFICANT];
    let significant = match LongDouble::FORMAT {
        Float::F128 => (digits >> 16).to_le_bytes(),
        // With the integer bit, which gcc's numbers have.
        _ => ((1 << 127 | digits >> 1) >> 64).to_le_bytes(),
    };
    let (fraction, last) = bytes.split_at_mut(LongDouble::SIGNIFICANT - 2);
    fraction.copy_from_slice(&significant[..fraction.len()]);
    last.copy_from_slice(&u16::try_from(word).expect("16 bits").to_le_bytes());
    LongDouble::from_bytes(bytes)
}

#[test]
fn long_doubles_are_converted_as_gcc_converts_them() -> Result<(), Error> {
    let Some(library) = c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: as defined above, and the lengths match.
    let (widen, narrow) = unsafe {
        (
            library.function("void widen(const double *from, long double *to, size_t n)")?,
            library.function("void narrow(const long double *from, double *to, size_t n)")?,
        )
    };
    let (seed, count) = (seed(), count(20_000));
    note(&format!("long doubles: {count} numbers each way, CALLSMITH_SEED={seed}"));
    let mut rng = Rng::new(seed);
    let doubles: Vec<f64> = (0..count).map(|_| double(&mut rng)).collect();
    let mut wide = vec![LongDouble::from(0.0); count];
    widen.call::<_, ()>((&doubles[..], &mut wide[..], count))?;
    for (double, wide) in doubles.iter().zip(wide) {
        assert_eq!(LongDouble::from(*double).to_bytes(), wide.to_bytes(), "{double:e}");
    }
    let wide: Vec<LongDouble> = (0..count).map(|_| long_double(&mut rng)).collect();
    let mut doubles = vec![0f64; count];
    narrow.call::<_, ()>((&wide[..], &mut doubles[..], count))?;
    for (wide, double) in wide.iter().zip(doubles) {
        assert_eq!(f64::from(*wide).to_bits(), double.to_bits(), "{:x?}", wide.to_bytes());
    }
    Ok(())
}
