//! `callsmith layout`: the list is what gcc has, the picture what the list has.

use super::support::compiler::Compiler;
use super::{printed, refused};
use std::path::Path;
use std::process::Command;

const MIXED: &str = "struct s { char tag; double x; unsigned a : 3, b : 7; short t[5]; long z : 40; struct { char c; int n; } in; }";
const MEMBERS: [&str; 8] = ["tag", "x", "a", "b", "t", "z", "in.c", "in.n"];

/// First bit and number of bits of each member, in order, as the list has them; padding left out.
fn listed(page: &str) -> Vec<(String, u64, u64)> {
    let list = page.split("\n\n").nth(1).expect("a list");
    let member = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers: Vec<u64> = words.iter().map_while(|word| word.parse().ok()).collect();
        let name = (*words.get(numbers.len())?).to_owned();
        match numbers[..] {
            [offset, size] => Some((name, offset * 8, size * 8)),
            [offset, bit, bits] => Some((name, offset * 8 + bit, bits)),
            _ => None,
        }
    };
    list.lines().skip(1).filter_map(member).filter(|(name, ..)| name != "padding").collect()
}

/// The same from a program that gcc compiles: each member is filled with ones.
fn by_gcc(definition: &str, members: &[&str]) -> Option<Vec<(String, u64, u64)>> {
    let fill: String = members
        .iter()
        .map(|name| {
            // An array is filled as memory, a bit-field, which has no address, as a number.
            let fill =
                if *name == "t" { "memset(v.t, 255, sizeof v.t)".into() } else { format!("v.{name} = -1") };
            let fill = if *name == "x" { "memset(&v.x, 255, sizeof v.x)".into() } else { fill };
            format!("memset(&v, 0, sizeof v); {fill}; show(\"{name}\", &v);\n")
        })
        .collect();
    let source = format!(
        "#include <stdio.h>\n#include <string.h>\n{definition};
        static void show(const char *name, struct s *v) {{
            unsigned char *bytes = (void *)v; long first = -1, bits = 0;
            for (long i = 0; i < 8 * (long)sizeof *v; i++)
                if (bytes[i / 8] >> i % 8 & 1) {{ if (first < 0) first = i; bits++; }}
            printf(\"%s %ld %ld\\n\", name, first, bits);
        }}
        int main(void) {{ struct s v; {fill} }}"
    );
    let stem = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layout-{}", std::process::id()));
    let c = stem.with_extension("c");
    std::fs::write(&c, source).expect("a source");
    let gcc = Compiler::native().map(|gcc| gcc.command().arg("-o").arg(&stem).arg(&c).status());
    if !gcc.is_ok_and(|gcc| gcc.is_ok_and(|status| status.success())) {
        println!("skipped: no gcc");
        return None;
    }
    let output = Command::new(&stem).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("a word").to_owned();
        (next(), next().parse().expect("a number"), next().parse().expect("a number"))
    };
    Some(text.lines().map(line).collect())
}

#[test]
fn members_lie_where_gcc_has_them() {
    let page = printed(&["layout", "--abi", "sysv64", MIXED]);
    let names: Vec<String> = listed(&page).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, MEMBERS);
    if cfg!(target_arch = "x86_64")
        && let Some(expected) = by_gcc(MIXED, &MEMBERS)
    {
        assert_eq!(listed(&page), expected);
    }
}

/// Rows of the picture, each with its offset.
fn rows(page: &str) -> Vec<(u64, Vec<char>)> {
    let picture = page.split("\n\n").nth(2).expect("a picture");
    let row = |line: &str| Some((line.split_whitespace().next()?.parse().ok()?, line.chars().collect()));
    picture.lines().filter(|line| line.contains('│')).filter_map(row).collect()
}

#[test]
fn the_picture_names_members_where_they_begin() {
    for (definition, in_row, in_byte) in
        [(MIXED, 4, 16), ("struct { char a; int b; char c; short d; double e; }", 8, 8)]
    {
        let page = printed(&["layout", "--abi", "sysv64", definition]);
        let rows = rows(&page);
        for (name, first, _) in listed(&page) {
            let (row, column) = (first / 8 / in_row, first % (8 * in_row) * in_byte / 8);
            let (_, text) = rows.iter().find(|(offset, _)| *offset == row * in_row).expect("a row");
            let text: String = text.iter().skip(8 + usize::try_from(column).expect("a column")).collect();
            assert!(text.starts_with(&format!("│ {name}")), "{name} is not at {column}:\n{page}");
        }
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    }
}

#[test]
fn branches_of_a_union_are_drawn_apart_and_long_members_cut() {
    let page =
        printed(&["layout", "struct { char name[4096]; union { int i; struct { short s, t; } p; } u; }"]);
    assert!(page.contains('┆') && page.lines().count() < 40, "{page}");
    let pictures = page.split("\n\n").skip(2).collect::<Vec<_>>();
    assert_eq!(pictures.len(), 2, "{page}");
    assert!(pictures[0].contains("u.i") && !pictures[0].contains("u.p.s"), "{page}");
    assert!(pictures[1].contains("│ u.p.s         │ u.p.t         │"), "{page}");
}

#[test]
fn each_data_model_has_its_own_layout() {
    let size = |arguments: &[&str]| {
        let page = printed(&[&["layout", "struct { char c; long n; }"], arguments].concat());
        page.split_once(": ").and_then(|(_, rest)| rest.split(' ').next()).map(str::to_owned)
    };
    assert_eq!(size(&["--abi", "sysv64"]).as_deref(), Some("16"));
    assert_eq!(size(&["--abi", "win64"]).as_deref(), Some("8"));
    assert_eq!(size(&["--model", "ILP32-gnu"]).as_deref(), Some("8"));
    assert!(printed(&["layout", "--abi", "all", "long"]).matches("as L").count() >= 2);
}

#[test]
fn what_has_no_layout_is_refused() {
    assert_eq!(refused(1, &["layout", "void"]), "callsmith: 'void' has no value\n");
    assert!(refused(1, &["layout", "struct hidden"]).contains("struct hidden"));
    assert!(refused(1, &["layout", "char[1000000000000000]"]).contains("too many for a picture"));
}
