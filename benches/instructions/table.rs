//! The table: each count beside its limit.

use crate::cells::{Cell, Line};
use crate::counter::Counts;
use crate::support::ways::Way;
use crate::support::{Limits, Row, rows};
use callsmith::Args;

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
            let cell = |way: Way| Cell {
                way: way.name(),
                count: count(way),
                limit: limit::<R>(way, direct, count(Way::Tuple)),
                known: 0,
            };
            self.1.push(Line { title: R::TITLE, cells: Way::ALL.map(cell).into() });
        }
    }
    let mut lines = Lines(counts, Vec::new());
    rows::visit(&mut lines);
    lines.1
}

/// The most that `way` may cost where a call through a C function pointer costs `direct`, and [`Way::Tuple`] costs `call`.
fn limit<R: Row>(way: Way, direct: u64, call: Option<u64>) -> Option<u64> {
    let Limits { slots, gather } = R::LIMITS;
    let arguments = R::Args::COUNT as u64;
    match way {
        Way::Direct | Way::Libffi | Way::LibffiPlan => None,
        Way::Typed => Some(direct + 3),
        Way::Tuple => Some(direct + 12 + arguments),
        Way::Errno => call.map(|call| call + 15),
        Way::Values => Some(3 * direct + 12 * arguments),
        Way::Gather => Some(direct + gather),
        Way::Slots => Some(direct + slots),
    }
}
