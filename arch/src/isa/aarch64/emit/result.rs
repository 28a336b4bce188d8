//! The result, from its registers to memory.

use super::load::{Pair, pair};
use super::{Assembler, Gp, Mem, Stub, VALUE};
use crate::isa::aarch64::reg::Vector;
use crate::plan::{Location, Move, ResultPlan};

impl Stub<'_> {
    /// Stores the result's registers where [`VALUE`] points, exactly as many bytes as the plan says.
    pub(super) fn store_result(&mut self) {
        if let ResultPlan::Direct(run) = &self.plan.result {
            self.asm.store_pieces(Mem::at(VALUE, 0), self.plan.moves_of(*run));
        }
    }
}

impl Assembler {
    /// Stores the registers that hold the pieces of a value. Those of odd widths are used up.
    pub(super) fn store_pieces(&mut self, value: Mem, pieces: &[Move]) {
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let to = value.after(piece.offset);
            match (pieces.peek().and_then(|other| pair(piece, other)), piece.location) {
                (Some(pair), _) => {
                    self.store_pair(to, pair, piece.width);
                    pieces.next();
                }
                (None, Location::Gp(number)) => {
                    self.store_bytes(to, Gp::from_low_bits(number), piece.width);
                }
                (None, Location::Vector(number)) => {
                    self.store_vector(to, Vector::from_low_bits(number), piece.width);
                }
                (None, Location::Mmx(_) | Location::X87(_) | Location::Stack(_)) => {}
            }
        }
    }

    fn store_pair(&mut self, to: Mem, pair: Pair, width: u32) {
        match (pair, width) {
            (Pair::General(one, two), _) => self.stp_m_x_x(to, one, two),
            (Pair::Vector(one, two), 16) => self.stp_m_q_q(to, one, two),
            (Pair::Vector(one, two), 8) => self.stp_m_d_d(to, one, two),
            (Pair::Vector(one, two), _) => self.stp_m_s_s(to, one, two),
        }
    }
}
