//! Arguments that pass in memory: stored to the frame before any argument register is loaded.

use super::memory::chunk;
use super::{Assembler, Base, Gp, Mem, NEXT_VALUE, SCRATCH, Stub, VALUE, slot};
use crate::isa::Shape;
use crate::isa::aarch64::reg::Vector;
use crate::plan::{ArgPlan, Location, Move, Passing};

/// From this many bytes on, a copy is a loop instead of unrolled moves.
const BULK: u32 = 256;
/// How many bytes the loop moves each time.
const STEP: u32 = 32;

// Addresses on the way: of the source, of the destination, and of the source's end.
const FROM: Gp = Gp::X11;
const TO: Gp = Gp::X12;
const END: Gp = Gp::X13;

impl Stub<'_> {
    /// Stores every stack argument and every copy.
    pub(super) fn store_stack_arguments(&mut self) {
        let plan = self.plan;
        let mut index = 0;
        while let Some(arg) = plan.args.get(index) {
            index += match self.words_on_stack(index) {
                Some((at, count @ 2..)) => self.store_words(index, at, count),
                Some(_) | None => {
                    self.store_stack_argument(index, arg);
                    1
                }
            };
        }
    }

    fn store_stack_argument(&mut self, index: usize, arg: &ArgPlan) {
        match &arg.passing {
            Passing::Ignored(_) => {}
            Passing::Direct(run) => {
                for piece in self.plan.moves_of(*run) {
                    if let Location::Stack(at) = piece.location {
                        let value = self.value_of(index, arg);
                        self.asm.copy(value.after(piece.offset), Mem::at(Base::SP, at), piece.width);
                    }
                }
            }
            Passing::Indirect { pointer, copy, .. } => {
                let value = self.value_of(index, arg);
                self.asm.copy(value, Mem::at(Base::SP, *copy), arg.size);
                if let Location::Stack(at) = *pointer {
                    self.asm.add(SCRATCH, Base::SP, *copy);
                    let place = self.asm.reach(Mem::at(Base::SP, at), 8, TO);
                    self.asm.str_m_x(place, SCRATCH);
                }
            }
        }
    }

    /// Where this argument is on the stack, and how many from it on lie side by side there, of 8 bytes each.
    fn words_on_stack(&self, first: usize) -> Option<(u32, usize)> {
        let mut words = self.plan.args[first..].iter().map(|arg| self.word_on_stack(arg));
        let at = words.next()??;
        let next = (1..).zip(words).take_while(|&(number, word)| word == Some(at + 8 * number));
        Some((at, 1 + next.count()))
    }

    fn word_on_stack(&self, arg: &ArgPlan) -> Option<u32> {
        let Passing::Direct(run) = arg.passing else { return None };
        let &[Move { location: Location::Stack(at), width: 8, .. }] = self.plan.moves_of(run) else {
            return None;
        };
        (self.shape == Shape::Gather || arg.in_slot).then_some(at)
    }

    /// Stores such arguments: out of slots all, through pointers two. Returns how many.
    fn store_words(&mut self, index: usize, at: u32, count: usize) -> usize {
        match self.shape {
            Shape::Slots => {
                let bytes = slot(count).disp;
                self.asm.copy(slot(index), Mem::at(Base::SP, at), bytes);
                count
            }
            Shape::Gather => {
                let pointers = self.asm.reach_pair(slot(index), 8, VALUE);
                self.asm.ldp_x_x_m(VALUE, NEXT_VALUE, pointers);
                self.asm.ldr_x_m(SCRATCH, Mem::at(VALUE, 0));
                self.asm.ldr_x_m(FROM, Mem::at(NEXT_VALUE, 0));
                let place = self.asm.reach_pair(Mem::at(Base::SP, at), 8, TO);
                self.asm.stp_m_x_x(place, SCRATCH, FROM);
                2
            }
        }
    }
}

impl Assembler {
    /// `width` bytes from `from` to `to`, and not one beyond. Uses up scratch registers, `from`'s base not among them.
    pub(super) fn copy(&mut self, from: Mem, to: Mem, width: u32) {
        let mut done = 0;
        let (mut from, mut to) = (from, to);
        if width >= BULK {
            done = width / STEP * STEP;
            self.copy_in_bulk(from, to, done);
            (from, to) = (Mem::at(FROM, 0), Mem::at(TO, 0));
        }
        let mut at = 0;
        while width - done >= STEP {
            self.copy_pair(from.after(at), to.after(at));
            (done, at) = (done + STEP, at + STEP);
        }
        while done < width {
            let bytes = if width - done >= 16 { 16 } else { chunk(width - done) };
            self.copy_chunk(from.after(at), to.after(at), bytes);
            (done, at) = (done + bytes, at + bytes);
        }
    }

    fn copy_pair(&mut self, from: Mem, to: Mem) {
        let [first, second] = [16, 17].map(Vector::from_low_bits);
        let from = self.reach_pair(from, 16, FROM);
        self.ldp_q_q_m(first, second, from);
        let to = self.reach_pair(to, 16, TO);
        self.stp_m_q_q(to, first, second);
    }

    fn copy_chunk(&mut self, from: Mem, to: Mem, bytes: u32) {
        let from = self.reach(from, bytes, FROM);
        if bytes == 16 {
            let through = Vector::from_low_bits(16);
            self.ldr_q_m(through, from);
            let to = self.reach(to, bytes, TO);
            self.str_m_q(to, through);
        } else {
            self.load_chunk(SCRATCH, from, bytes);
            let to = self.reach(to, bytes, TO);
            self.store_chunk(to, SCRATCH, bytes);
        }
    }

    /// A multiple of [`STEP`] bytes; leaves the addresses behind them in [`FROM`] and [`TO`].
    fn copy_in_bulk(&mut self, from: Mem, to: Mem, width: u32) {
        let [first, second] = [16, 17].map(Vector::from_low_bits);
        self.add(FROM, from.base, from.disp);
        self.add(TO, to.base, to.disp);
        self.add(END, FROM, width);
        let next = self.here();
        self.ldp_after_q_q(first, second, FROM.into(), STEP.cast_signed());
        self.stp_after_q_q(TO.into(), STEP.cast_signed(), first, second);
        self.cmp_sp_x(FROM.into(), END);
        self.b_ne(next);
    }
}
