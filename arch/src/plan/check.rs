//! What holds of every plan, whatever the convention.

use super::{CallPlan, Location, MAX_FRAME, MoveRange, Passing, ResultPlan};
use crate::abi::Pops;
use crate::layout::{DataModel, Float, Scalar, Type};
use crate::{Abi, Align, Signature, Size};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

impl CallPlan {
    /// Checks the invariants of a plan made of `signature`: a register is used once, every byte of every value that is
    /// not padding moves once (twice, where Win64 doubles variadic floating-point values), stack arguments and copies
    /// are aligned, disjoint, and inside the frame.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold, in words.
    pub fn check(&self, signature: &Signature) -> Result<(), String> {
        if self.abi != signature.abi() || self.args.len() != signature.params().len() {
            return Err("the plan is another signature's".into());
        }
        self.check_registers()?;
        self.check_values(signature)?;
        self.check_frame(signature)?;
        self.check_pops()?;
        self.check_vector_count(signature)
    }

    /// The locations of arguments, then of the result.
    fn locations(&self) -> (Vec<Location>, Vec<Location>) {
        let mut args = Vec::new();
        let mut result = Vec::new();
        let locations = |run: MoveRange| self.moves_of(run).iter().map(|piece| piece.location);
        match self.result {
            ResultPlan::None => {}
            ResultPlan::Direct(run) => result.extend(locations(run)),
            ResultPlan::Hidden { pointer, .. } => args.push(pointer),
        }
        for arg in &self.args {
            match arg.passing {
                Passing::Ignored(_) => {}
                Passing::Direct(run) => args.extend(locations(run)),
                Passing::Indirect { pointer, .. } => args.push(pointer),
            }
        }
        (args, result)
    }

    /// Each place at most once.
    fn check_registers(&self) -> Result<(), String> {
        let (args, result) = self.locations();
        for locations in [args, result] {
            let mut seen = BTreeSet::new();
            if let Some(twice) = locations.into_iter().find(|&location| !seen.insert(location)) {
                return Err(format!("{twice:?} is used twice"));
            }
        }
        Ok(())
    }

    /// Each value's moves cover it; moves stand in the order of the values.
    fn check_values(&self, signature: &Signature) -> Result<(), String> {
        let mut next = 0;
        for (index, (arg, ty)) in self.args.iter().zip(signature.params()).enumerate() {
            let what = format!("argument {}", index + 1);
            match arg.passing {
                Passing::Ignored(_) if ty.leaves() == 0 => {}
                Passing::Ignored(_) => return Err(format!("{what} has members, but does not pass")),
                Passing::Direct(run) => self.check_run(&what, ty, arg.size, run, &mut next)?,
                Passing::Indirect { .. } => {}
            }
        }
        if let (ResultPlan::Direct(run), Some(ty)) = (&self.result, signature.result()) {
            self.check_run("the result", ty, self.result_size, *run, &mut next)?;
        }
        match u32::try_from(self.moves.len()) {
            Ok(count) if count == next => Ok(()),
            Ok(_) | Err(_) => Err("there are moves of no value".into()),
        }
    }

    fn check_run(
        &self,
        what: &str,
        ty: &Type,
        size: u32,
        run: MoveRange,
        next: &mut u32,
    ) -> Result<(), String> {
        if run.start != *next || run.end < run.start {
            return Err(format!("{what}'s moves are out of order"));
        }
        *next = run.end;
        let mut moved = vec![0u8; size as usize];
        let moves = self.moves_of(run);
        for piece in moves {
            let (start, end) = (piece.offset as usize, piece.offset as usize + piece.width as usize);
            match moved.get_mut(start..end) {
                Some(bytes) if !bytes.is_empty() => bytes.iter_mut().for_each(|count| *count += 1),
                Some(_) | None => return Err(format!("{what} has no bytes {start}..{end}")),
            }
        }
        let doubled =
            self.abi == Abi::Win64 && matches!(moves, [a, b] if (a.offset, a.width) == (b.offset, b.width));
        let times = if doubled { 2 } else { 1 };
        if let Some(byte) = moved.iter().position(|&count| count > times) {
            return Err(format!("{what}'s byte {byte} moves more than once"));
        }
        match first_unmoved(self.abi.data_model(), ty, &moved, times) {
            Some(byte) => Err(format!("{what}'s byte {byte} does not move")),
            None => Ok(()),
        }
    }

    /// Stack arguments lie in the lower part of the frame, copies above.
    fn check_frame(&self, signature: &Signature) -> Result<(), String> {
        let mut taken = Vec::new();
        let args = u64::from(self.abi.convention().shadow_space)..u64::from(self.stack_bytes);
        let copies = u64::from(self.stack_bytes)..u64::from(self.frame_bytes);
        let address = self.abi.instruction_set().word();
        let slot = self.abi.convention().stack_slot;
        if let ResultPlan::Hidden { pointer: Location::Stack(offset), .. } = self.result {
            taken.push((offset, address, slot, &args));
        }
        for (arg, ty) in self.args.iter().zip(signature.params()) {
            let align = least_align(self.abi, ty).max(slot);
            match arg.passing {
                Passing::Ignored(_) => {}
                Passing::Direct(run) => {
                    for piece in self.moves_of(run) {
                        if let Location::Stack(offset) = piece.location {
                            taken.push((offset, piece.width, align, &args));
                        }
                    }
                }
                Passing::Indirect { pointer, copy, align, .. } => {
                    taken.push((copy, arg.size, align, &copies));
                    if let Location::Stack(offset) = pointer {
                        taken.push((offset, address, slot, &args));
                    }
                }
            }
        }
        taken.sort_unstable_by_key(|&(offset, width, ..)| (offset, width));
        let mut free = 0;
        for (offset, width, align, area) in taken {
            let (start, end) = (u64::from(offset), u64::from(offset) + u64::from(width));
            let aligned = Size::new(start).is_some_and(|start| start.is_aligned(align));
            if !aligned || self.stack_align < align {
                return Err(format!("stack bytes {start}..{end} are not aligned to {align}"));
            }
            if start < free || start < area.start || end > area.end {
                return Err(format!("stack bytes {start}..{end} overlap or lie outside {area:?}"));
            }
            free = end;
        }
        match u64::from(self.frame_bytes) <= MAX_FRAME && self.stack_bytes <= self.frame_bytes {
            true => Ok(()),
            false => Err(format!("a frame of {} bytes", self.frame_bytes)),
        }
    }

    /// What the callee pops is on the stack.
    fn check_pops(&self) -> Result<(), String> {
        match self.abi.convention().callee_pops {
            Pops::Nothing if self.callee_pops == 0 => Ok(()),
            Pops::HiddenAddress
                if self.callee_pops == 0 || matches!(self.result, ResultPlan::Hidden { .. }) =>
            {
                Ok(())
            }
            Pops::Arguments if self.callee_pops == self.stack_bytes => Ok(()),
            pops => Err(format!("the callee pops {} bytes instead of {pops:?}", self.callee_pops)),
        }
    }

    /// AL of a variadic SysV64 call is the number of vector registers that carry arguments.
    fn check_vector_count(&self, signature: &Signature) -> Result<(), String> {
        let vectors = self.locations().0.iter().filter(|place| matches!(place, Location::Vector(_))).count();
        let expected = (self.abi == Abi::SysV64 && signature.fixed().is_some()).then_some(vectors);
        match self.vector_count.map(usize::from) == expected {
            true => Ok(()),
            false => Err(format!("{:?} vector registers instead of {expected:?}", self.vector_count)),
        }
    }
}

/// The alignment that a value has wherever it lies on the stack. AAPCS64 goes by a composite's members, not by its own
/// attributes, and Darwin by those of an HFA. On 32-bit x86 hardly anything is aligned.
fn least_align(abi: Abi, ty: &Type) -> Align {
    match (abi, ty) {
        (Abi::Aapcs64(_), Type::Record(_) | Type::Array(_)) | (Abi::X86(..), _) => Align::ONE,
        (Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_), _) => ty.align(abi.data_model()),
    }
}

/// The first byte of a value, padding aside, that does not move so many times.
fn first_unmoved(model: &DataModel, ty: &Type, moved: &[u8], times: u8) -> Option<u64> {
    let mut unmoved = None;
    ty.for_each_leaf(model, &mut |leaf| {
        let size = match leaf.scalar {
            // The rest of a `long double` is padding.
            Scalar::Float(Float::X87) => 10,
            _ => leaf.size.bytes(),
        };
        let mut bytes = leaf.offset.bytes()..leaf.offset.bytes() + size;
        unmoved =
            bytes.find(|&byte| usize::try_from(byte).ok().and_then(|byte| moved.get(byte)) != Some(&times));
        unmoved.is_none()
    });
    unmoved
}
