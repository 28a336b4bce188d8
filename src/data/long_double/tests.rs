use super::number::Number;
use super::{LongDouble, binary128, x87};

const NUMBERS: [f64; 13] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    std::f64::consts::PI,
    1e308,
    -1e-308,
    f64::MIN_POSITIVE,
    5e-324,
    2.5e-323,
    f64::MAX,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// The x87's number of this significand and this sign and exponent, as a double.
fn of_x87(significand: u64, word: u16) -> f64 {
    let mut bytes = [0; x87::BYTES];
    bytes[..8].copy_from_slice(&significand.to_le_bytes());
    bytes[8..].copy_from_slice(&word.to_le_bytes());
    x87::decode(bytes).to_f64()
}

/// The binary128 of these bits, as a double.
fn of_binary128(bits: u128) -> f64 {
    binary128::decode(bits.to_le_bytes()).to_f64()
}

#[test]
fn doubles_survive_the_round_trip() {
    for x in NUMBERS {
        let number = Number::of_f64(x);
        let by_x87 = x87::decode(x87::encode(number)).to_f64();
        let by_binary128 = binary128::decode(binary128::encode(number)).to_f64();
        let bits = [by_x87, by_binary128, f64::from(LongDouble::from(x))].map(f64::to_bits);
        assert_eq!(bits, [x.to_bits(); 3], "{x}");
    }
    assert!(f64::from(LongDouble::from(f64::NAN)).is_nan());
}

/// Intel SDM volume 1, table 4-3 and figure 4-3: one is 3FFF, integer bit set.
#[test]
fn one_is_as_the_manual_has_it() {
    let bytes = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f];
    assert_eq!(x87::encode(Number::of_f64(1.0)), bytes);
    assert_eq!(of_x87(1 << 63, 0xc000), -2.0);
}

/// IEEE 754-2019, table 3.5: the bias is 16383, the fraction has 112 bits, and the smallest normal exponent is -16382.
#[test]
fn one_is_as_the_standard_has_it() {
    assert_eq!(u128::from_le_bytes(binary128::encode(Number::of_f64(1.0))), 0x3fff << 112);
    assert_eq!(u128::from_le_bytes(binary128::encode(Number::of_f64(-1.5))), 0xbfff8 << 108);
    assert_eq!(of_binary128(0x4000 << 112), 2.0);
    assert_eq!(of_binary128(1).to_bits(), 0);
    assert_eq!(of_binary128(1 << 127 | 1 << 112).to_bits(), (-0.0f64).to_bits());
}

/// A significand whose integer bit is not set still is that number times its power of two.
#[test]
fn numbers_without_an_integer_bit_are_read() {
    assert_eq!(of_x87(1, 0x4000), 1.0 / (1u64 << 62) as f64);
    assert_eq!(of_x87(3 << 60, 0x3fff), 0.375);
    assert_eq!(of_x87(1, 0x7ffe), f64::INFINITY);
    assert_eq!(of_x87(0, 0x7ffe), 0.0);
}

#[test]
fn rounding_goes_to_the_nearest_even() {
    assert_eq!(of_x87(1 << 63 | 1 << 10, 0x3fff), 1.0);
    assert_eq!(of_x87(1 << 63 | 1 << 10 | 1, 0x3fff), 1.0 + f64::EPSILON);
    assert_eq!(of_x87(1 << 63 | 3 << 10, 0x3fff), 1.0 + 2.0 * f64::EPSILON);
    assert_eq!(of_x87(u64::MAX, 0x7ffe), f64::INFINITY);
    assert_eq!(of_x87(1 << 63, 1), 0.0);
    let one = 0x3fff << 112;
    assert_eq!(of_binary128(one | 1 << 59), 1.0);
    assert_eq!(of_binary128(one | 1 << 59 | 1), 1.0 + f64::EPSILON);
    assert_eq!(of_binary128(one | 3 << 59), 1.0 + 2.0 * f64::EPSILON);
    assert_eq!(of_binary128(0x43fe << 112 | ((1 << 112) - 1)), f64::INFINITY);
    // Half of the smallest double, and a little more.
    assert_eq!(of_binary128(0x3bcc << 112), 0.0);
    assert_eq!(of_binary128(0x3bcc << 112 | 1), 5e-324);
}
