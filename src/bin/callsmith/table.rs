//! Tables in plain text.

/// How wide a line of output may be, where its content lets it.
pub(crate) const WIDTH: usize = 100;

/// No column is cut to less.
const LEAST: usize = 8;

/// How a column behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// As wide as its widest cell.
    Left,
    /// The same, aligned to the right: numbers.
    Right,
    /// Cut where the line would be wider than [`WIDTH`].
    Cut,
}

/// A table: a head, then rows of as many cells.
pub(crate) struct Table<const N: usize> {
    columns: [(Column, &'static str); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table of these columns, without rows.
    pub(crate) fn new(columns: [(Column, &'static str); N]) -> Table<N> {
        Table { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The table, each line behind two spaces. Columns that are empty in every row are left out.
    pub(crate) fn print(&self) -> String {
        let widths = self.widths();
        let line = |cells: [&str; N]| {
            let mut line = String::new();
            for ((cell, width), (column, _)) in
                cells.iter().zip(widths).zip(self.columns).filter(|((_, width), _)| *width > 0)
            {
                let cell = clip(cell, width);
                line += &match column {
                    Column::Right => format!("  {cell:>width$}"),
                    Column::Left | Column::Cut => format!("  {cell:width$}"),
                };
            }
            line.trim_end().to_owned() + "\n"
        };
        let head = line(self.columns.map(|(_, title)| title));
        head + &self.rows.iter().map(|row| line(row.each_ref().map(String::as_str))).collect::<String>()
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for (width, (_, title)) in widths.iter_mut().zip(self.columns) {
            if *width > 0 {
                *width = (*width).max(title.chars().count());
            }
        }
        let total = |widths: &[usize; N]| {
            widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>()
        };
        while total(&widths) > WIDTH {
            let cut = widths
                .iter_mut()
                .zip(self.columns)
                .filter(|(width, (column, _))| *column == Column::Cut && **width > LEAST);
            match cut.map(|(width, _)| width).max() {
                Some(widest) => *widest -= 1,
                None => break,
            }
        }
        widths
    }
}

/// `text`, cut to `width` characters.
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `text` in lines of at most `width` characters, broken between words; all but the first behind `indent` spaces.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let len = word.chars().count();
        if used > 0 && used + 1 + len > width {
            out += &format!("\n{:indent$}", "");
            used = indent;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out += word;
        used += len;
    }
    out
}
