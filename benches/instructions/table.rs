//! The table: each count beside its limit.

use crate::callgrind::Counts;
use crate::support::ways::Way;
use crate::support::{Limits, Row, rows};
use callsmith::Args;

/// One signature.
pub(crate) struct Line {
    title: &'static str,
    cells: Vec<Cell>,
}

/// One count.
struct Cell {
    way: Way,
    count: Option<u64>,
    /// What it should not be above.
    limit: Option<u64>,
    /// How far above it is known to be.
    known: u64,
}

impl Cell {
    /// How far above its limit the count is.
    fn above(&self) -> u64 {
        self.count.zip(self.limit).map_or(0, |(count, limit)| count.saturating_sub(limit))
    }
}

/// What a count of `way` is called.
pub(crate) fn key<R: Row>(way: Way) -> String {
    format!("{} {}", way.name(), R::TITLE)
}

/// All lines.
pub(crate) fn lines(counts: &Counts) -> Vec<Line> {
    struct Lines<'a>(&'a Counts, Vec<Line>);
    impl rows::Visit for Lines<'_> {
        fn row<R: Row>(&mut self) {
            let count = |way| self.0.get(&key::<R>(way)).copied();
            let direct = count(Way::Direct).expect("the direct way");
            let known = |way| if way == Way::Values { R::LIMITS.values_above } else { 0 };
            let cell =
                |way| Cell { way, count: count(way), limit: limit::<R>(way, direct), known: known(way) };
            self.1.push(Line { title: R::TITLE, cells: Way::ALL.map(cell).into() });
        }
    }
    let mut lines = Lines(counts, Vec::new());
    rows::visit(&mut lines);
    lines.1
}

/// The most that `way` may cost where a call through a C function pointer costs `direct`.
fn limit<R: Row>(way: Way, direct: u64) -> Option<u64> {
    let Limits { slots, gather, .. } = R::LIMITS;
    let arguments = R::Args::COUNT as u64;
    match way {
        Way::Direct | Way::Libffi => None,
        Way::Typed => Some(direct + 3),
        Way::Tuple => Some(direct + 12 + arguments),
        Way::Values => Some(3 * direct + 12 * arguments),
        Way::Gather => Some(direct + gather),
        Way::Slots => Some(direct + slots),
    }
}

/// Prints the table as Markdown.
pub(crate) fn print(lines: &[Line]) {
    let names = Way::ALL.map(Way::name);
    println!("| instructions a call (limit) | {} |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(names.len()));
    for line in lines {
        let cells: Vec<String> = line.cells.iter().map(show).collect();
        println!("| `{}` | {} |", line.title, cells.join(" | "));
    }
}

fn show(cell: &Cell) -> String {
    match (cell.count, cell.limit) {
        (None, _) => "-".into(),
        (Some(count), None) => count.to_string(),
        (Some(count), Some(limit)) if cell.above() > 0 => format!("**{count}** ({limit})"),
        (Some(count), Some(limit)) => format!("{count} ({limit})"),
    }
}

/// Whether every count keeps to its limit, or is as far above it as is known; prints those that do not.
pub(crate) fn check(lines: &[Line]) -> bool {
    let mut keeps = true;
    for (line, cell) in lines.iter().flat_map(|line| line.cells.iter().map(move |cell| (line, cell))) {
        if cell.above() > cell.known {
            keeps = false;
            println!("above its limit: {} by {}: {}", line.title, cell.way.name(), show(cell));
        }
    }
    keeps
}
