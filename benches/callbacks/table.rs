//! The table of calls: each count beside its limit.

use super::cells::{Cell, Line};
use super::counter::Counts;
use super::rows::{self, Row};
use super::ways::Way;

/// What a count is called.
pub(crate) fn key<R: Row>(way: Way) -> String {
    format!("{CALL}{} {}", way.name(), R::TITLE)
}

const CALL: &str = "calling ";

/// Whether that is what this is.
pub(crate) fn is_call(key: &str) -> bool {
    key.starts_with(CALL)
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
                limit: limit::<R>(way, direct),
                known: known(way),
            };
            self.1.push(Line { title: R::TITLE, cells: Way::ALL.map(cell).into() });
        }
    }
    let mut lines = Lines(counts, Vec::new());
    rows::visit(&mut lines);
    lines.1
}

/// The most that `way` may cost where a call through a C function pointer costs `direct`.
fn limit<R: Row>(way: Way, direct: u64) -> Option<u64> {
    match way {
        Way::Direct | Way::Values | Way::Libffi => None,
        Way::Bare | Way::Forever | Way::Counted | Way::Owning | Way::LocalMut => {
            Some(direct + R::LIMITS.typed)
        }
        Way::Raw => Some(R::LIMITS.dynamic),
    }
}

/// What it costs above the limit to know who is inside.
fn known(way: Way) -> u64 {
    match way {
        Way::Direct | Way::Bare | Way::Counted | Way::Forever | Way::Raw | Way::Values | Way::Libffi => 0,
        Way::Owning => 3,
        Way::LocalMut => 10,
    }
}
