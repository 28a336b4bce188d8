//! The obvious, slow reading of a plan: the oracle for generated code.
//!
//! [`arguments`] says what registers and stack must hold at a call instruction, [`result`] what the registers after it
//! mean. Bytes that a plan leaves open are known as such, so that a comparison can skip them.

use crate::CallPlan;
use crate::plan::{Extension, Location, Move, Passing, ResultPlan};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes, some of which are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Their values; 0 where not known.
    pub bytes: Vec<u8>,
    /// Which of them are known.
    pub known: Vec<bool>,
}

/// Registers and stack at the moment of a call instruction, or after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What registers hold, least significant byte first: 8 bytes in an integer register, 64 in a vector
    /// register, 8 in one of MMX, 10 in one of the x87's. Never [`Location::Stack`].
    pub registers: BTreeMap<Location, Region>,
    /// The frame from the stack pointer upwards: [`CallPlan::frame_bytes`].
    pub frame: Region,
}

/// Addresses that arguments may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The stack pointer at the call instruction.
    pub frame: u64,
    /// The memory for a hidden result.
    pub result: u64,
}

impl Region {
    /// Nothing known of `len` bytes.
    pub fn unknown(len: usize) -> Region {
        Region { bytes: vec![0; len], known: vec![false; len] }
    }

    /// Writes `bytes` from `offset`. What lies beyond the end is lost.
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        for (index, &byte) in (offset..).zip(bytes) {
            if let (Some(place), Some(known)) = (self.bytes.get_mut(index), self.known.get_mut(index)) {
                (*place, *known) = (byte, true);
            }
        }
    }

    /// Copies `len` bytes from `from` in `source` to `to` here, known or not.
    fn copy(&mut self, to: usize, source: &Region, from: usize, len: usize) {
        for index in 0..len {
            if let (Some(&byte), Some(true)) =
                (source.bytes.get(from + index), source.known.get(from + index))
            {
                self.write(to + index, &[byte]);
            }
        }
    }
}

impl Image {
    /// Writes bytes at a place.
    fn write(&mut self, location: Location, bytes: &[u8]) {
        let (region, offset) = match location {
            Location::Stack(offset) => (&mut self.frame, offset as usize),
            Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::X87(_) => {
                (self.registers.entry(location).or_insert_with(|| Region::unknown(room(location))), 0)
            }
        };
        region.write(offset, bytes);
    }

    /// Writes one piece of a value, and what fills the rest of 32 bits.
    fn place(&mut self, piece: &Move, value: &[u8]) -> Option<()> {
        let start = piece.offset as usize;
        let mut bytes = value.get(start..start + piece.width as usize)?.to_vec();
        let negative = bytes.last()? & 0x80 != 0;
        let fill = match piece.extension {
            Extension::None => None,
            Extension::Zero => Some(0),
            Extension::Sign => Some(if negative { 0xff } else { 0 }),
        };
        if let Some(byte) = fill {
            bytes.resize(bytes.len().max(4), byte);
        }
        self.write(piece.location, &bytes);
        Some(())
    }
}

/// A register's size in bytes, the largest there is.
fn room(location: Location) -> usize {
    match location {
        Location::Gp(_) | Location::Mmx(_) => 8,
        Location::Vector(_) => 64,
        Location::X87(_) => 10,
        Location::Stack(_) => 0,
    }
}

/// What registers and stack must hold at the call instruction. `None` where the number or the sizes of `values` are not
/// the plan's.
pub fn arguments(plan: &CallPlan, values: &[&[u8]], addresses: Addresses) -> Option<Image> {
    if values.len() != plan.args.len() {
        return None;
    }
    let word = plan.abi.instruction_set().word() as usize;
    let mut image = Image { registers: BTreeMap::new(), frame: Region::unknown(plan.frame_bytes as usize) };
    if let ResultPlan::Hidden { pointer, .. } = plan.result {
        image.write(pointer, &addresses.result.to_le_bytes()[..word]);
    }
    for (arg, &value) in plan.args.iter().zip(values) {
        if value.len() != arg.size as usize {
            return None;
        }
        match arg.passing {
            Passing::Ignored(_) => {}
            Passing::Direct(run) => {
                for piece in plan.moves_of(run) {
                    image.place(piece, value)?;
                }
            }
            Passing::Indirect { pointer, copy, .. } => {
                image.write(Location::Stack(copy), value);
                let address = addresses.frame.wrapping_add(u64::from(copy));
                image.write(pointer, &address.to_le_bytes()[..word]);
            }
        }
    }
    if let Some(count) = plan.vector_count {
        // AL.
        image.write(Location::Gp(0), &[count]);
    }
    Some(image)
}

/// The `float` or `double` that a register of the x87 holds, where it holds one: what a callee gives back is one.
fn narrow(register: &Region, width: u32) -> Option<Vec<u8>> {
    let (mantissa, rest) = register.bytes.split_at_checked(8)?;
    let mantissa = u64::from_le_bytes(mantissa.try_into().ok()?);
    let head = u16::from_le_bytes(rest.try_into().ok()?);
    let (sign, exponent) = (u64::from(head >> 15), i32::from(head & 0x7fff) - 16_383);
    let (fraction_bits, bias) = if width == 4 { (23, 127) } else { (52, 1_023) };
    let fraction = (mantissa << 1) >> (64 - fraction_bits);
    let biased = match exponent {
        -16_383 if mantissa == 0 => 0,
        exponent => u64::try_from(exponent + bias).ok()?,
    };
    let bits = sign << (8 * width - 1) | biased << fraction_bits | fraction;
    Some(bits.to_le_bytes()[..width as usize].to_vec())
}

/// The result that registers hold after the call. `None` where it is not in registers
/// (there is none, or it is in memory), and where the x87 holds a number that is no normal one of the result's type.
pub fn result(plan: &CallPlan, image: &Image) -> Option<Region> {
    let ResultPlan::Direct(run) = plan.result else { return None };
    let mut value = Region::unknown(plan.result_size as usize);
    for piece in plan.moves_of(run) {
        let register = image.registers.get(&piece.location)?;
        match (piece.location, piece.width) {
            (Location::X87(_), 4 | 8) => {
                let narrow = narrow(register, piece.width)?;
                value.write(piece.offset as usize, &narrow);
            }
            (_, width) => value.copy(piece.offset as usize, register, 0, width as usize),
        }
    }
    Some(value)
}
