//! `callsmith bench`: what a call costs, by each way to make it, beside the direct call and libffi.

mod bare;
mod callees;
mod cases;
mod direct;
mod libffi;
mod measure;
mod ways;

use crate::output;
use crate::table::{Column, Table};
use callsmith::{Library, host};
use libffi::Libffi;
use measure::Cost;
use serde_json::{Value, json};
use std::error::Error;
use ways::{Case, Way};

/// Measure what a call costs, beside a direct call and libffi
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A mathematics library such as libm.so.6, whose functions are called instead of the built-in ones
    library: Option<String>,
    /// How often every way has its turn; a cost is the median of all turns
    #[arg(long, default_value_t = 201, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The libffi to compare with; the system's if not given
    #[arg(long)]
    libffi: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let libffi = Libffi::open(options.libffi.as_deref())?;
    let library = options.library.as_ref().map(Library::open).transpose()?;
    let cases = match &library {
        Some(library) => cases::of_library(library, libffi.as_ref())?,
        None => cases::built_in(libffi.as_ref())?,
    };
    let costs = measure::costs(&cases, options.rounds);
    let title = libffi.as_ref().map(Libffi::title);
    let text = if options.json {
        let all = json(&cases, &costs, options.rounds, title);
        serde_json::to_string_pretty(&all)? + "\n"
    } else {
        let legend = if library.is_some() { String::new() } else { legend() };
        page(&cases, &costs, options.rounds, title) + &legend
    };
    output::write(text.as_bytes())?;
    Ok(())
}

fn page(cases: &[Case], costs: &[Vec<Cost>], rounds: u32, libffi: Option<String>) -> String {
    let libffi = libffi.map_or_else(|| "no libffi found".into(), |title| format!("libffi: {title}"));
    let mut text =
        format!("{}; median of {rounds} rounds of {} calls; {libffi}\n", host::NAME, measure::CALLS);
    if cfg!(debug_assertions) {
        text += "this is a debug build: build with --release for figures that mean something\n";
    }
    text += &format!("\n  nanoseconds a call\n\n{}", table(cases, costs, |cost| format!("{:.2}", cost.ns)));
    text + &format!("\n  times a direct call\n\n{}", table(cases, costs, |cost| format!("{:.2}", cost.ratio)))
}

/// What the built-in cases' names stand for.
fn legend() -> String {
    let structs: String = cases::STRUCTS.iter().map(|declaration| format!("  {declaration}\n")).collect();
    format!("\n  eight mixed: {}\n{structs}", cases::EIGHT)
}

/// One row for each case, one column for each way.
fn table(cases: &[Case], costs: &[Vec<Cost>], shown: impl Fn(&Cost) -> String) -> String {
    let mut columns = [(Column::Cut, "signature"); 9];
    for (column, way) in columns[1..].iter_mut().zip(Way::ALL) {
        *column = (Column::Right, way.name());
    }
    let mut table = Table::new(columns);
    for (case, costs) in cases.iter().zip(costs) {
        let mut row = [const { String::new() }; 9];
        row[0] = case.signature.clone();
        for (cell, way) in row[1..].iter_mut().zip(Way::ALL) {
            *cell = costs.iter().find(|cost| cost.way == way).map(&shown).unwrap_or_default();
        }
        table.row(row);
    }
    table.print()
}

fn json(cases: &[Case], costs: &[Vec<Cost>], rounds: u32, libffi: Option<String>) -> Value {
    let case = |(case, costs): (&Case, &Vec<Cost>)| {
        let ways: serde_json::Map<String, Value> = costs
            .iter()
            .map(|cost| (cost.way.name().into(), json!({ "ns": cost.ns, "ratio": cost.ratio })))
            .collect();
        json!({ "signature": case.signature, "ways": ways })
    };
    json!({
        "host": host::NAME,
        "libffi": libffi,
        "rounds": rounds,
        "calls_per_round": measure::CALLS,
        "cases": cases.iter().zip(costs).map(case).collect::<Value>(),
    })
}
