//! The reading of plans, on values small enough to follow by eye.

use callsmith_arch::interp::{Addresses, Image, Region, arguments, result};
use callsmith_arch::layout::{Float, Scalar, Type, Vector};
use callsmith_arch::plan::Location;
use callsmith_arch::{Abi, Signature, abi};

const ADDRESSES: Addresses = Addresses { frame: 0x7000_0000_1000, result: 0x5555_0000_2000 };
const DOUBLE: Type = Type::Scalar(Scalar::Float(Float::F64));

fn image(signature: &Signature, values: &[&[u8]]) -> Image {
    arguments(&abi::classify(signature).unwrap(), values, ADDRESSES).unwrap()
}

/// What is known of a register.
fn known(image: &Image, location: Location) -> Vec<u8> {
    let region = &image.registers[&location];
    let known = region.known.iter().take_while(|&&known| known).count();
    assert!(!region.known[known..].contains(&true), "{location:?} is known in pieces");
    region.bytes[..known].to_vec()
}

#[test]
fn narrow_integers_fill_32_bits() {
    let params = vec![Scalar::I8.into(), Scalar::U16.into(), Scalar::Bool.into(), Scalar::I32.into()];
    let signature = Signature::new(Abi::SysV64, None, params).unwrap();
    let image = image(&signature, &[&[0x80], &[0xfe, 0xff], &[1], &[1, 2, 3, 4]]);
    assert_eq!(known(&image, Location::Gp(7)), [0x80, 0xff, 0xff, 0xff]);
    assert_eq!(known(&image, Location::Gp(6)), [0xfe, 0xff, 0, 0]);
    assert_eq!(known(&image, Location::Gp(2)), [1, 0, 0, 0]);
    assert_eq!(known(&image, Location::Gp(1)), [1, 2, 3, 4]);
}

#[test]
fn hidden_addresses_and_copies() {
    // Complex long double: by reference and through memory on Win64.
    let wide = Type::Complex(Float::X87);
    let signature = Signature::new(Abi::Win64, Some(wide.clone()), vec![wide]).unwrap();
    let value: Vec<u8> = (0..32).collect();
    let image = image(&signature, &[&value]);
    assert_eq!(known(&image, Location::Gp(1)), ADDRESSES.result.to_le_bytes());
    assert_eq!(known(&image, Location::Gp(2)), (ADDRESSES.frame + 32).to_le_bytes());
    assert_eq!(image.frame.bytes[32..], value);
    assert!(image.frame.known[..32].iter().all(|known| !known), "shadow space is the callee's");
}

#[test]
fn variadic_doubles() {
    let params = vec![Type::Scalar(Scalar::Pointer), DOUBLE];
    let values: [&[u8]; 2] = [&[0; 8], &[1, 2, 3, 4, 5, 6, 7, 8]];
    let sysv = image(&Signature::variadic(Abi::SysV64, None, params.clone(), 1).unwrap(), &values);
    assert_eq!(known(&sysv, Location::Vector(0)), values[1]);
    assert_eq!(known(&sysv, Location::Gp(0)), [1], "al");
    let win64 = image(&Signature::variadic(Abi::Win64, None, params, 1).unwrap(), &values);
    assert_eq!(known(&win64, Location::Vector(1)), values[1]);
    assert_eq!(known(&win64, Location::Gp(2)), values[1]);
}

#[test]
fn results_come_from_their_registers() {
    let plan = |ty: &Type| {
        abi::classify(&Signature::new(Abi::SysV64, Some(ty.clone()), Vec::new()).unwrap()).unwrap()
    };
    let counted = |len: u8, first: u8| Region {
        bytes: (first..first + len).collect(),
        known: vec![true; usize::from(len)],
    };
    let mut image = Image { registers: Default::default(), frame: Region::unknown(0) };
    image.registers.insert(Location::Gp(0), counted(8, 0));
    image.registers.insert(Location::Gp(2), counted(8, 8));
    image.registers.insert(Location::Vector(0), counted(64, 100));
    image.registers.insert(Location::X87(0), counted(10, 40));
    let int128 = result(&plan(&Scalar::I128.into()), &image).unwrap();
    assert_eq!(int128.bytes, (0..16).collect::<Vec<u8>>());
    let vector = Type::Vector(Vector::new(Scalar::Float(Float::F32), 32).unwrap());
    assert_eq!(result(&plan(&vector), &image).unwrap().bytes, (100..132).collect::<Vec<u8>>());
    let x87 = result(&plan(&Scalar::Float(Float::X87).into()), &image).unwrap();
    assert_eq!(x87.bytes[..10], (40..50).collect::<Vec<u8>>());
    assert_eq!(x87.known, [[true; 10].as_slice(), &[false; 6]].concat(), "the rest is padding");
    assert_eq!(result(&plan(&Type::Complex(Float::F128)), &image), None, "in memory");
}

#[test]
fn wrong_values_are_refused() {
    let signature = Signature::new(Abi::SysV64, None, vec![DOUBLE]).unwrap();
    let plan = abi::classify(&signature).unwrap();
    assert_eq!(arguments(&plan, &[], ADDRESSES), None);
    assert_eq!(arguments(&plan, &[&[0; 4]], ADDRESSES), None);
}
