//! `callsmith bench`: what it says, not what it measures; times are never asserted.

use super::{LIBM, printed, refused};
use serde_json::Value;

fn measured(arguments: &[&str]) -> Value {
    let options = [&["bench", "--json", "--rounds", "1"], arguments].concat();
    serde_json::from_str(&printed(&options)).expect("JSON")
}

#[track_caller]
fn assert_every_way_is_measured(report: &Value) {
    let cases = report["cases"].as_array().expect("cases");
    assert!(cases.len() >= 5);
    for case in cases {
        for way in ["direct", "typed", "invoke", "invoke_slots", "call", "call_values"] {
            let cost = &case["ways"][way];
            assert!(cost["ns"].as_f64() > Some(0.0) && cost["ratio"].as_f64() > Some(0.0), "{way} of {case}");
        }
        assert_eq!(case["ways"]["direct"]["ratio"], 1.0);
        assert_eq!(case["ways"]["ffi_call"].is_object(), report["libffi"].is_string(), "{case}");
    }
}

#[test]
fn built_in_functions_are_called_in_every_way() {
    assert_every_way_is_measured(&measured(&[]));
}

#[test]
fn a_librarys_functions_are_called_in_every_way() {
    assert_every_way_is_measured(&measured(&[if cfg!(windows) { "ucrtbase" } else { LIBM }]));
}

#[test]
fn the_page_has_both_tables_in_100_columns() {
    let page = printed(&["bench", "--rounds", "1"]);
    assert!(page.contains("nanoseconds a call") && page.contains("times a direct call"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
}

#[test]
fn a_library_without_these_functions_is_named() {
    let other = if cfg!(windows) { "ole32" } else { "libdl.so.2" };
    let message = refused(1, &["bench", other]);
    assert!(message.contains(&format!("library '{other}' has no symbol 'fabs'")), "{message}");
}
