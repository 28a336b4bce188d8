//! Tables of counts beside their limits.

/// One row: a signature.
pub(crate) struct Line {
    pub(crate) title: &'static str,
    pub(crate) cells: Vec<Cell>,
}

/// One count.
pub(crate) struct Cell {
    /// What was counted: the column.
    pub(crate) way: &'static str,
    pub(crate) count: Option<u64>,
    /// What it should not be above on 64-bit x86.
    pub(crate) limit: Option<u64>,
    /// How far above it is known to be.
    pub(crate) known: u64,
}

impl Cell {
    /// The limit, where there is one here.
    fn limit(&self) -> Option<u64> {
        self.limit.filter(|_| cfg!(target_arch = "x86_64"))
    }

    /// How far above its limit the count is.
    fn above(&self) -> u64 {
        self.count.zip(self.limit()).map_or(0, |(count, limit)| count.saturating_sub(limit))
    }
}

/// Prints the lines, which have the same columns, as Markdown; `what` is counted.
pub(crate) fn print(what: &str, lines: &[Line]) {
    let Some(first) = lines.first() else { return };
    let names: Vec<&str> = first.cells.iter().map(|cell| cell.way).collect();
    println!("| {what} (limit) | {} |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(names.len()));
    for line in lines {
        let cells: Vec<String> = line.cells.iter().map(show).collect();
        println!("| `{}` | {} |", line.title, cells.join(" | "));
    }
}

fn show(cell: &Cell) -> String {
    match (cell.count, cell.limit()) {
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
            println!("above its limit: {} by {}: {}", line.title, cell.way, show(cell));
        }
    }
    keeps
}
