//! Arguments that pass in registers.

use super::{ARGUMENTS, Assembler, Base, Gp, Mem, NEXT_VALUE, Stub, VALUE, slot};
use crate::isa::aarch64::encode::fits_pair;
use crate::isa::aarch64::reg::Vector;
use crate::plan::{ArgPlan, Extension, Location, Move, Passing};
use alloc::vec::Vec;

/// How an argument gets into its registers.
#[derive(Clone, Copy)]
enum Way {
    /// Its slot's 8 bytes go into this one. Nobody reads what a narrower scalar leaves of them.
    Word(Location),
    /// Its pieces, from where its pointer points.
    Pointer,
    /// Otherwise, or it has none.
    Other,
}

/// What is loaded together: an argument, or two neighbours.
struct Load {
    index: usize,
    ways: (Way, Option<Way>),
}

impl Stub<'_> {
    /// Loads every argument register. The one that holds the arguments' address goes last.
    pub(super) fn load_registers(&mut self) {
        let loads = self.loads();
        for last in [false, true] {
            for load in &loads {
                if self.loads_arguments_register(load) == last {
                    self.load(load);
                }
            }
        }
    }

    /// All loads: of two neighbours where one instruction loads both their slots or pointers.
    fn loads(&self) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::with_capacity(self.plan.args.len());
        for (index, arg) in self.plan.args.iter().enumerate() {
            let way = self.way(arg);
            match loads.last_mut() {
                Some(Load { index: before, ways: (one, other @ None) }) if pairs(*before, *one, way) => {
                    *other = Some(way);
                }
                Some(_) | None => loads.push(Load { index, ways: (way, None) }),
            }
        }
        loads
    }

    fn way(&self, arg: &ArgPlan) -> Way {
        let Passing::Direct(run) = arg.passing else { return Way::Other };
        let pieces = self.plan.moves_of(run);
        let in_registers =
            pieces.iter().any(|piece| matches!(piece.location, Location::Gp(_) | Location::Vector(_)));
        match (pieces, self.in_slot(arg)) {
            _ if !in_registers => Way::Other,
            (_, false) => Way::Pointer,
            ([Move { location, extension: Extension::None, .. }], true) => Way::Word(*location),
            (_, true) => Way::Other,
        }
    }

    /// Whether a part of an argument, or its address, passes in [`ARGUMENTS`].
    fn loads_arguments_register(&self, load: &Load) -> bool {
        let register = Location::Gp(ARGUMENTS.number());
        let count = if load.ways.1.is_some() { 2 } else { 1 };
        self.plan.args[load.index..load.index + count].iter().any(|arg| match &arg.passing {
            Passing::Ignored(_) => false,
            Passing::Direct(run) => self.plan.moves_of(*run).iter().any(|piece| piece.location == register),
            Passing::Indirect { pointer, .. } => *pointer == register,
        })
    }

    fn load(&mut self, load: &Load) {
        let plan = self.plan;
        let Load { index, ways } = *load;
        match ways {
            (Way::Word(to), None) => self.asm.load_word(index, to, None),
            (Way::Word(to), Some(Way::Word(other))) => self.asm.load_word(index, to, Some(other)),
            (Way::Pointer, Some(Way::Pointer)) => {
                self.asm.ldp_x_x_m(VALUE, NEXT_VALUE, slot(index));
                for (arg, at) in plan.args[index..].iter().zip([VALUE, NEXT_VALUE]) {
                    if let Passing::Direct(run) = arg.passing {
                        self.asm.load_pieces(Mem::at(at, 0), plan.moves_of(run));
                    }
                }
            }
            (Way::Word(_) | Way::Pointer | Way::Other, _) => self.load_argument(index, &plan.args[index]),
        }
    }

    /// Loads an argument's registers, if it has any.
    fn load_argument(&mut self, index: usize, arg: &ArgPlan) {
        match &arg.passing {
            Passing::Ignored(_) => {}
            Passing::Direct(run) => {
                let pieces = self.plan.moves_of(*run);
                if pieces.iter().any(|piece| matches!(piece.location, Location::Gp(_) | Location::Vector(_)))
                {
                    let value = self.value_of(index, arg);
                    // A slot may be far; a value whose address was loaded is not.
                    let value = self.asm.reach(value, 1, VALUE);
                    self.asm.load_pieces(value, pieces);
                }
            }
            Passing::Indirect { pointer, copy, .. } => {
                if let Location::Gp(number) = *pointer {
                    self.asm.add(Gp::from_low_bits(number), Base::SP, *copy);
                }
            }
        }
    }
}

/// Whether one instruction loads what the argument of this number needs first, and what its neighbour does.
fn pairs(index: usize, one: Way, other: Way) -> bool {
    let alike = match (one, other) {
        (Way::Word(Location::Gp(_)), Way::Word(Location::Gp(_)))
        | (Way::Word(Location::Vector(_)), Way::Word(Location::Vector(_)))
        | (Way::Pointer, Way::Pointer) => true,
        (Way::Word(_) | Way::Pointer | Way::Other, _) => false,
    };
    alike && fits_pair(slot(index).disp, 8)
}

impl Assembler {
    fn load_word(&mut self, index: usize, to: Location, other: Option<Location>) {
        let from = slot(index);
        match (to, other) {
            (Location::Gp(one), Some(Location::Gp(two))) => {
                self.ldp_x_x_m(Gp::from_low_bits(one), Gp::from_low_bits(two), from);
            }
            (Location::Vector(one), Some(Location::Vector(two))) => {
                self.ldp_d_d_m(Vector::from_low_bits(one), Vector::from_low_bits(two), from);
            }
            (Location::Gp(one), _) => self.ldr_x_m(Gp::from_low_bits(one), from),
            (Location::Vector(one), _) => self.ldr_d_m(Vector::from_low_bits(one), from),
            (Location::Mmx(_) | Location::X87(_) | Location::Stack(_), _) => {}
        }
    }

    /// Loads the pieces of a value that pass in registers, exactly as many bytes as the plan says.
    pub(super) fn load_pieces(&mut self, value: Mem, pieces: &[Move]) {
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let from = value.after(piece.offset);
            let pair = pieces
                .peek()
                .and_then(|other| pair(piece, other))
                .filter(|_| fits_pair(from.disp, piece.width));
            match (pair, piece.location) {
                (Some(pair), _) => {
                    self.load_pair(pair, from, piece.width);
                    pieces.next();
                }
                (None, Location::Gp(number)) => {
                    self.load_general(Gp::from_low_bits(number), from, piece);
                }
                (None, Location::Vector(number)) => {
                    self.load_vector(Vector::from_low_bits(number), from, piece.width);
                }
                (None, Location::Mmx(_) | Location::X87(_) | Location::Stack(_)) => {}
            }
        }
    }

    fn load_pair(&mut self, pair: Pair, from: Mem, width: u32) {
        match (pair, width) {
            (Pair::General(one, two), _) => self.ldp_x_x_m(one, two, from),
            (Pair::Vector(one, two), 16) => self.ldp_q_q_m(one, two, from),
            (Pair::Vector(one, two), 8) => self.ldp_d_d_m(one, two, from),
            (Pair::Vector(one, two), _) => self.ldp_s_s_m(one, two, from),
        }
    }

    fn load_general(&mut self, to: Gp, from: Mem, piece: &Move) {
        match (piece.extension, piece.width) {
            (Extension::Sign, 1) => self.ldrsb_w_m(to, from),
            (Extension::Sign, 2) => self.ldrsh_w_m(to, from),
            // Plain loads fill with zeros.
            (Extension::None | Extension::Sign | Extension::Zero, width) => self.load_bytes(to, from, width),
        }
    }
}

/// Two registers that one instruction loads or stores.
#[derive(Clone, Copy)]
pub(super) enum Pair {
    General(Gp, Gp),
    Vector(Vector, Vector),
}

/// Whether two pieces of a value lie side by side in it, whole registers of one width.
pub(super) fn pair(piece: &Move, other: &Move) -> Option<Pair> {
    if other.offset != piece.offset + piece.width || other.width != piece.width {
        return None;
    }
    match (piece.location, other.location, piece.width) {
        (Location::Gp(one), Location::Gp(two), 8) => {
            Some(Pair::General(Gp::from_low_bits(one), Gp::from_low_bits(two)))
        }
        (Location::Vector(one), Location::Vector(two), 4 | 8 | 16) => {
            Some(Pair::Vector(Vector::from_low_bits(one), Vector::from_low_bits(two)))
        }
        (
            Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::X87(_) | Location::Stack(_),
            ..,
        ) => None,
    }
}
