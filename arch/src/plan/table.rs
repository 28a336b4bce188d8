//! A plan in print: one row for each piece of each value.

use super::{CallPlan, Extension, Location, MoveRange, Passing, ResultPlan, Rule};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

const HEAD: [&str; 6] = ["value", "bytes", "location", "extension", "class", "rule"];

/// A plan that prints as a table; see [`CallPlan::table`].
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    plan: &'a CallPlan,
    names: &'a [&'a str],
}

impl CallPlan {
    /// This plan as a table: value, bytes, location, extension, class, rule. Parameters without a name in `names` go
    /// by their number.
    pub fn table<'a>(&'a self, names: &'a [&'a str]) -> Table<'a> {
        Table { plan: self, names }
    }
}

impl fmt::Display for CallPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(&[]).fmt(f)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let mut widths = HEAD.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        line(f, &HEAD, &widths)?;
        for row in &rows {
            line(f, &row.each_ref().map(String::as_str), &widths)?;
        }
        self.foot(f)
    }
}

/// One line, its last cell not padded.
fn line(f: &mut fmt::Formatter<'_>, cells: &[&str; 6], widths: &[usize; 6]) -> fmt::Result {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text += &format!("{cell:width$}  ");
    }
    writeln!(f, "{}", text.trim_end())
}

impl Table<'_> {
    fn rows(&self) -> Vec<[String; 6]> {
        let plan = self.plan;
        let mut rows = Vec::new();
        if let ResultPlan::Hidden { pointer, rule, .. } = plan.result {
            rows.push(self.row(
                "result's address",
                "".into(),
                self.place(pointer, self.plan.abi.instruction_set().word()),
                "",
                rule,
            ));
        }
        for (index, arg) in plan.args.iter().enumerate() {
            let name = match self.names.get(index) {
                Some(name) if !name.is_empty() => (*name).to_string(),
                Some(_) | None => format!("#{}", index + 1),
            };
            match arg.passing {
                Passing::Ignored(rule) => rows.push(self.row(&name, "0".into(), "-".into(), "", rule)),
                Passing::Direct(run) => self.moves(&name, run, &mut rows),
                Passing::Indirect { pointer, copy, rule, .. } => {
                    let copy = self.place(Location::Stack(copy), arg.size);
                    let location =
                        format!("{} -> {copy}", self.place(pointer, self.plan.abi.instruction_set().word()));
                    rows.push(self.row(&name, bytes(0, arg.size), location, "", rule));
                }
            }
        }
        match plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(run) => self.moves("result", run, &mut rows),
            ResultPlan::Hidden { pointer, returned, rule } => {
                rows.push(self.row(
                    "result",
                    bytes(0, plan.result_size),
                    format!(
                        "[{}]",
                        self.place(returned.unwrap_or(pointer), self.plan.abi.instruction_set().word())
                    ),
                    "",
                    rule,
                ));
            }
        }
        rows
    }

    fn moves(&self, name: &str, run: MoveRange, rows: &mut Vec<[String; 6]>) {
        for piece in self.plan.moves_of(run) {
            let extension = match piece.extension {
                Extension::None => "",
                Extension::Sign => "sign",
                Extension::Zero => "zero",
            };
            let bytes = bytes(piece.offset, piece.width);
            rows.push(self.row(name, bytes, self.place(piece.location, piece.width), extension, piece.rule));
        }
    }

    fn row(&self, name: &str, bytes: String, location: String, extension: &str, rule: &Rule) -> [String; 6] {
        let why = format!("{}: {}", rule.section, rule.text);
        [name.into(), bytes, location, extension.into(), rule.class.into(), why]
    }

    /// A place by its name in this ABI's assembly.
    fn place(&self, location: Location, width: u32) -> String {
        self.plan.abi.instruction_set().name(location, width)
    }

    fn foot(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        write!(f, "stack: {} bytes of arguments", plan.stack_bytes)?;
        match plan.abi.convention().shadow_space {
            0 => {}
            shadow => write!(f, " ({shadow} of them shadow space)")?,
        }
        write!(f, ", {} with copies, aligned to {}", plan.frame_bytes, plan.stack_align)?;
        if plan.callee_pops > 0 {
            write!(f, ", the callee pops {}", plan.callee_pops)?;
        }
        if let Some(count) = plan.vector_count {
            write!(f, "; al = {count} vector registers")?;
        }
        writeln!(f)
    }
}

fn bytes(offset: u32, width: u32) -> String {
    format!("{offset}..{}", u64::from(offset) + u64::from(width))
}
