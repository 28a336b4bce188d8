//! The table in `README.md`: complete, and true as far as a program can tell.

use std::fs;
use std::path::Path;

/// How many rows there are.
const ROWS: usize = 272;

struct Row<'t> {
    number: usize,
    state: &'t str,
    text: &'t str,
    tests: Vec<&'t str>,
}

fn rows(table: &str) -> Vec<Row<'_>> {
    let lines = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(" |").map(str::trim).collect();
            let [number, _, state, text, tests, ..] = cells[..] else { return None };
            let tests = tests.split('`').skip(1).step_by(2).collect();
            Some(Row { number: number.parse().ok()?, state, text, tests })
        })
        .collect()
}

/// All Rust sources below `folder`, as one text.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *into += &fs::read_to_string(path).expect("a source");
        }
    }
}

#[test]
fn every_row_is_there_and_says_what_it_must() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("tests/ctypes/README.md")).expect("the table");
    let mut code = String::new();
    for folder in ["tests", "src", "arch"] {
        sources(&root.join(folder), &mut code);
    }
    let rows = rows(&table);
    let numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>(), "the rows, by number");
    for Row { number, state, text, tests } in &rows {
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "row {number}: no test '{test}'");
        }
        match *state {
            "done" => assert!(!tests.is_empty(), "row {number}: done, and no test shows it"),
            "no" => assert!(text.split_whitespace().count() > 3, "row {number}: why not?"),
            "Python" => {}
            other => panic!("row {number}: no such state: '{other}'"),
        }
    }
}
