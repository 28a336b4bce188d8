//! A type's memory as a picture in text: a row for every eight bytes, and where there are bit-fields for every four.

use super::members::Member;
use std::collections::BTreeSet;
use std::ops::Range;

/// How many rows of a member that goes on and on are drawn near its ends; those between are left out.
const LONG: u64 = 2;

/// What a column of a row belongs to: a member by its number, or padding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Member(usize),
    Padding,
    /// Behind the end of the type.
    Nobody,
}

/// A row of memory, with what its columns belong to.
struct Row {
    offset: u64,
    owners: Vec<Owner>,
}

/// How memory is spread over rows and columns.
struct Scale {
    bytes_in_row: u64,
    columns_in_byte: u64,
    /// How wide the offsets before the rows are.
    margin: usize,
}

/// The picture of `size` bytes; one more, of the rows that it is about, for each further branch of a union.
pub(super) fn draw(members: &[Member], size: u64) -> String {
    if size == 0 {
        return String::new();
    }
    let fine = members.iter().any(|member| member.is_bits);
    let (bytes_in_row, columns_in_byte) = if fine { (4, 16) } else { (8, 8) };
    let scale = Scale { bytes_in_row, columns_in_byte, margin: size.to_string().len().max(5) };
    let mut text = String::new();
    let layers = layers(members);
    for (index, layer) in layers.iter().enumerate() {
        let own = || layer.iter().map(|number| &members[*number]);
        let (first, end) = if index == 0 {
            (0, size * 8)
        } else {
            text.push('\n');
            let ends = own().map(|member| member.first + member.bits);
            (own().map(|member| member.first).min().unwrap_or(0), ends.max().unwrap_or(0))
        };
        // What the branches of the unions have in common is drawn with each.
        let shared =
            (0..members.len()).filter(|number| layer.iter().all(|other| agree(members, *number, *other)));
        let shown: Vec<usize> =
            layer.iter().copied().chain(shared.filter(|number| !layer.contains(number))).collect();
        text += &scale.picture(members, &shown, size, first..end);
    }
    text
}

/// Members in groups that may be drawn in one picture, by number: those of one branch of each union.
fn layers(members: &[Member]) -> Vec<Vec<usize>> {
    let mut layers: Vec<Vec<usize>> = vec![Vec::new()];
    for number in 0..members.len() {
        match layers.iter_mut().find(|layer| layer.iter().all(|other| agree(members, number, *other))) {
            Some(layer) => layer.push(number),
            None => layers.push(vec![number]),
        }
    }
    layers
}

/// Whether two members are in one branch of each union that both are in.
fn agree(members: &[Member], one: usize, other: usize) -> bool {
    let other = &members[other].branch;
    members[one].branch.iter().all(|(union, branch)| other.iter().all(|(u, b)| u != union || b == branch))
}

impl Scale {
    /// The rows that hold `bits`.
    fn picture(&self, members: &[Member], shown: &[usize], size: u64, bits: Range<u64>) -> String {
        let owner = |bit: u64| {
            let inside = |number: &&usize| {
                let member = &members[**number];
                (member.first..member.first + member.bits).contains(&bit)
            };
            match shown.iter().find(inside) {
                Some(number) => Owner::Member(*number),
                None if bit < size * 8 => Owner::Padding,
                None => Owner::Nobody,
            }
        };
        let columns = self.bytes_in_row * self.columns_in_byte;
        let row = |number: u64| {
            let offset = number * self.bytes_in_row;
            let bit = |column: u64| offset * 8 + column * 8 / self.columns_in_byte;
            Row { offset, owners: (0..columns).map(|column| owner(bit(column))).collect() }
        };
        let mut text = self.head(size);
        let margin = self.margin + 3;
        let mut named = Vec::new();
        let mut above: Option<Row> = None;
        for number in self.rows(shown.iter().map(|number| &members[*number]), bits) {
            let row = row(number);
            if above.as_ref().is_some_and(|above| above.offset + self.bytes_in_row != row.offset) {
                text += &format!("{:margin$}┆\n", "");
            }
            text += &line(margin, above.as_ref(), Some(&row));
            text += &content(margin, &row, members, &mut named);
            above = Some(row);
        }
        text + &line(margin, above.as_ref(), None)
    }

    /// The numbers of the rows that are drawn: those near which a member begins or ends.
    fn rows<'m>(&self, members: impl Iterator<Item = &'m Member>, bits: Range<u64>) -> BTreeSet<u64> {
        let in_row = self.bytes_in_row * 8;
        let all = bits.start / in_row..bits.end.div_ceil(in_row);
        let ends = members.flat_map(|member| [member.first, member.first + member.bits]);
        let near = ends.chain([bits.start, bits.end]).flat_map(|bit| {
            let row = bit / in_row;
            row.saturating_sub(LONG)..=row + LONG
        });
        near.filter(|row| all.contains(row)).collect()
    }

    /// The numbers of the bytes, above their columns.
    fn head(&self, size: u64) -> String {
        let width = usize::try_from(self.columns_in_byte).unwrap_or_default();
        let bytes = (0..self.bytes_in_row.min(size)).map(|byte| format!("{:<width$}", format!("+{byte}")));
        format!("{:margin$}{}\n", "", bytes.collect::<String>().trim_end(), margin = self.margin + 3)
    }
}

/// The owner of a column; nobody's where there is none.
fn at(row: Option<&Row>, column: Option<usize>) -> Owner {
    let owner = row.zip(column).and_then(|(row, column)| row.owners.get(column).copied());
    owner.unwrap_or(Owner::Nobody)
}

/// The line between two rows.
fn line(margin: usize, above: Option<&Row>, below: Option<&Row>) -> String {
    let columns = above.or(below).map_or(0, |row| row.owners.len());
    // In a line, what is above and what is below differ; on a corner, what is left and what is right do.
    let flat = |column: Option<usize>| at(above, column) != at(below, column);
    let corner = |column: usize| {
        let (left, right) = (column.checked_sub(1), Some(column));
        let up = at(above, left) != at(above, right);
        let down = at(below, left) != at(below, right);
        stroke(up, down, flat(left), flat(right))
    };
    let text: String = (0..=columns).map(corner).collect();
    format!("{:margin$}{}\n", "", text.trim_end())
}

/// The character with strokes in these directions.
fn stroke(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left, right) {
        (false, false, false, false) => ' ',
        (true, true, true, true) => '┼',
        (true, true, false, true) => '├',
        (true, true, true, false) => '┤',
        (false, true, true, true) => '┬',
        (true, false, true, true) => '┴',
        (false, true, false, true) => '┌',
        (false, true, true, false) => '┐',
        (true, false, false, true) => '└',
        (true, false, true, false) => '┘',
        (true, _, false, false) | (false, true, false, false) => '│',
        (false, false, _, _) => '─',
    }
}

/// A row with the names of the members that begin in it, each once.
fn content(margin: usize, row: &Row, members: &[Member], named: &mut Vec<usize>) -> String {
    let mut text = format!("{:>width$} ", row.offset, width = margin - 1);
    let mut column = 0;
    let mut before = Owner::Nobody;
    while column < row.owners.len() {
        let owner = row.owners[column];
        let width = row.owners[column..].iter().take_while(|other| **other == owner).count();
        text.push(if owner == before { ' ' } else { '│' });
        let label = match owner {
            Owner::Member(number) if !named.contains(&number) => {
                named.push(number);
                let Member { name, ty, .. } = &members[number];
                if name.is_empty() { ty.to_string() } else { name.clone() }
            }
            Owner::Member(_) | Owner::Nobody => String::new(),
            Owner::Padding => "░".repeat(width - 1),
        };
        text += &fitted(&label, width - 1);
        before = owner;
        column += width;
    }
    if before != Owner::Nobody {
        text.push('│');
    }
    text.trim_end().to_owned() + "\n"
}

/// `label` in `width` columns, behind a space where there is room for one.
fn fitted(label: &str, width: usize) -> String {
    let spaced = if label.chars().count() < width { format!(" {label}") } else { label.to_owned() };
    let cut: String = spaced.chars().take(width).collect();
    format!("{cut:width$}")
}
