//! The plan as a table: one row for each piece of each value, and the rules that put them there below.

use super::holds;
use super::subject::Subject;
use super::target;
use crate::table::Column::{Cut, Left, Right};
use crate::table::{Table, WIDTH, wrap};
use callsmith::arch::plan::{Extension, Location, Move, MoveRange, Passing, ResultPlan, Rule};
use callsmith::ctype::CType;

/// What a row holds that is about a pointer to the value.
const ITS_ADDRESS: &str = "its address";

/// The table and the rules.
pub(super) fn print(subject: &Subject) -> String {
    let mut pieces = Pieces {
        subject,
        table: Table::new([
            (Cut, "value"),
            (Cut, "type"),
            (Right, "bytes"),
            (Cut, "holds"),
            (Left, "place"),
            (Left, "class"),
            (Left, "rule"),
        ]),
        rules: Vec::new(),
    };
    pieces.hidden();
    pieces.arguments();
    pieces.result();
    if pieces.rules.is_empty() {
        return "  no arguments, no result\n".into();
    }
    pieces.table.print() + &pieces.notes()
}

struct Pieces<'a> {
    subject: &'a Subject,
    table: Table<7>,
    /// Those cited, in order.
    rules: Vec<&'static Rule>,
}

impl Pieces<'_> {
    /// The address of a result in memory.
    fn hidden(&mut self) {
        if let ResultPlan::Hidden { pointer, rule, .. } = self.subject.plan.result {
            let place = self.place(pointer, self.word());
            self.row("result", "", String::new(), ITS_ADDRESS, place, rule);
        }
    }

    fn arguments(&mut self) {
        let subject = self.subject;
        for (arg, plan) in subject.args.iter().zip(&subject.plan.args) {
            let (name, ctype) = (&arg.name, arg.ty.to_string());
            match plan.passing {
                Passing::Ignored(rule) => self.row(name, &ctype, "none".into(), "", "nowhere".into(), rule),
                Passing::Direct(run) => self.moves(name, &ctype, &arg.ty, run),
                Passing::Indirect { pointer, rule, .. } if subject.is_callback() => {
                    let place = self.place(pointer, self.word());
                    self.row(name, &ctype, String::new(), ITS_ADDRESS, place, rule);
                    self.row("", "", bytes(0, plan.size), "", "at that address".into(), rule);
                }
                Passing::Indirect { pointer, copy, rule, .. } => {
                    let copy = self.place(Location::Stack(copy), plan.size);
                    self.row(name, &ctype, bytes(0, plan.size), "", format!("copy at {copy}"), rule);
                    let place = self.place(pointer, self.word());
                    self.row("", "", String::new(), ITS_ADDRESS, place, rule);
                }
            }
        }
    }

    fn result(&mut self) {
        let subject = self.subject;
        let ctype = subject.prototype.result.to_string();
        match subject.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(run) => self.moves("result", &ctype, &subject.prototype.result, run),
            ResultPlan::Hidden { returned, rule, .. } => {
                let size = bytes(0, subject.plan.result_size);
                self.row("result", &ctype, size, "", "at that address".into(), rule);
                if let Some(returned) = returned {
                    let place = self.place(returned, self.word());
                    self.row("", "", String::new(), ITS_ADDRESS, place, rule);
                }
            }
        }
    }

    fn moves(&mut self, name: &str, ctype: &str, ty: &CType, run: MoveRange) {
        let pieces = self.subject.plan.moves_of(run);
        for (index, piece) in pieces.iter().enumerate() {
            let (name, ctype) = if index == 0 { (name, ctype) } else { ("", "") };
            let end = u64::from(piece.offset) + u64::from(piece.width);
            let members = holds::members(ty, piece.offset.into()..end, self.subject.model);
            let place = self.extended(piece);
            self.row(name, ctype, bytes(piece.offset, piece.width), &members, place, piece.rule);
        }
    }

    /// A piece's place, with what fills the rest of it.
    fn extended(&self, piece: &Move) -> String {
        match piece.extension {
            Extension::None => self.place(piece.location, piece.width),
            Extension::Sign => format!("{}, sign-extended", self.place(piece.location, 4)),
            Extension::Zero => format!("{}, zero-extended", self.place(piece.location, 4)),
        }
    }

    /// The size of an address.
    fn word(&self) -> u32 {
        self.subject.abi().instruction_set().word()
    }

    fn place(&self, location: Location, width: u32) -> String {
        target::place(self.subject.abi(), location, width)
    }

    fn row(
        &mut self,
        name: &str,
        ctype: &str,
        bytes: String,
        holds: &str,
        place: String,
        rule: &'static Rule,
    ) {
        let known = self.rules.iter().position(|other| *other == rule);
        let number = known.unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        });
        let cite = format!("[{}]", number + 1);
        self.table.row([name.into(), ctype.into(), bytes, holds.into(), place, rule.class.into(), cite]);
    }

    /// What the table does not say piece by piece, and the rules.
    fn notes(&self) -> String {
        let mut text = String::new();
        if let Some(count) = self.subject.plan.vector_count {
            text += &format!(
                "\n  al = {count}: as many vector registers carry arguments of this variadic call\n"
            );
        }
        text.push('\n');
        for (number, rule) in (1..).zip(&self.rules) {
            let note = format!("[{number}] {}: {}", rule.section, rule.text);
            text += &format!("  {}\n", wrap(&note, 6, WIDTH - 2));
        }
        text
    }
}

fn bytes(offset: u32, width: u32) -> String {
    format!("{offset}..{}", u64::from(offset) + u64::from(width))
}
