//! Arguments that pass in registers.

use super::{ARGUMENTS, Assembler, Base, Gp, Mem, Stub, VALUE, slot};
use crate::isa::aarch64::encode::fits_pair;
use crate::isa::aarch64::reg::Vector;
use crate::plan::{ArgPlan, Extension, Location, Move, Passing};
use alloc::vec::Vec;

/// A slot's 8 bytes, on their way to a register. Nobody reads what a narrower scalar leaves of them.
#[derive(Clone, Copy)]
struct Word {
    index: usize,
    to: Location,
}

impl Stub<'_> {
    /// Loads every argument register. The one that holds the arguments' address goes last.
    pub(super) fn load_registers(&mut self) {
        let plan = self.plan;
        let mut late = None;
        for (index, arg) in plan.args.iter().enumerate() {
            if self.word(index, arg).is_some() {
                continue;
            }
            if self.loads_arguments_register(arg) {
                late = Some((index, arg));
            } else {
                self.load_argument(index, arg);
            }
        }
        self.load_words();
        if let Some((index, arg)) = late {
            self.load_argument(index, arg);
        }
    }

    /// The argument as a whole slot for one register, if it is that.
    fn word(&self, index: usize, arg: &ArgPlan) -> Option<Word> {
        match &arg.passing {
            Passing::Direct(run) if self.in_slot(arg) => match self.plan.moves_of(*run) {
                [Move { location: Location::Stack(_) | Location::Mmx(_) | Location::X87(_), .. }] => None,
                [Move { location, extension: Extension::None, .. }] => Some(Word { index, to: *location }),
                _ => None,
            },
            Passing::Direct(_) | Passing::Ignored(_) | Passing::Indirect { .. } => None,
        }
    }

    /// Whether a part of an argument, or its address, passes in [`ARGUMENTS`].
    fn loads_arguments_register(&self, arg: &ArgPlan) -> bool {
        let register = Location::Gp(ARGUMENTS.number());
        match &arg.passing {
            Passing::Ignored(_) => false,
            Passing::Direct(run) => self.plan.moves_of(*run).iter().any(|piece| piece.location == register),
            Passing::Indirect { pointer, .. } => *pointer == register,
        }
    }

    /// Loads whole slots, two at once where they are neighbours.
    fn load_words(&mut self) {
        let plan = self.plan;
        let mut words = plan.args.iter().enumerate().filter_map(|(index, arg)| self.word(index, arg));
        let mut loads = Vec::with_capacity(plan.args.len());
        let mut next = words.next();
        while let Some(word) = next {
            next = words.next();
            match next {
                Some(other) if pairs(word, other) => {
                    loads.push((word, Some(other)));
                    next = words.next();
                }
                Some(_) | None => loads.push((word, None)),
            }
        }
        drop(words);
        let register = Location::Gp(ARGUMENTS.number());
        let is_last = |load: &(Word, Option<Word>)| {
            load.0.to == register || load.1.is_some_and(|word| word.to == register)
        };
        for load in
            loads.iter().filter(|load| !is_last(load)).chain(loads.iter().filter(|load| is_last(load)))
        {
            self.asm.load_word(load.0, load.1);
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

/// Whether one instruction loads both.
fn pairs(word: Word, other: Word) -> bool {
    let neighbours = other.index == word.index + 1 && fits_pair(slot(word.index).disp, 8);
    neighbours
        && match (word.to, other.to) {
            (Location::Gp(_), Location::Gp(_)) | (Location::Vector(_), Location::Vector(_)) => true,
            (
                Location::Gp(_)
                | Location::Vector(_)
                | Location::Mmx(_)
                | Location::X87(_)
                | Location::Stack(_),
                _,
            ) => false,
        }
}

impl Assembler {
    fn load_word(&mut self, word: Word, other: Option<Word>) {
        let from = slot(word.index);
        match (word.to, other.map(|word| word.to)) {
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
