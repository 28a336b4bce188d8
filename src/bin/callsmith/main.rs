//! The command: call a C function by its declaration, explain where its arguments go and where a type's members lie, find
//! libraries and list what they export, measure what a call costs.
#![deny(unsafe_code)]

mod bench;
mod call;
mod explain;
mod find;
mod foreign;
mod layout;
mod output;
mod symbols;
mod table;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Calls C functions whose signature is known only at run time.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Call(call::Options),
    Explain(explain::Options),
    Layout(layout::Options),
    Find(find::Options),
    Symbols(symbols::Options),
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Call(options) => call::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Layout(options) => layout::run(&options),
        Command::Find(options) => find::run(&options),
        Command::Symbols(options) => symbols::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callsmith: {error}");
            ExitCode::FAILURE
        }
    }
}
