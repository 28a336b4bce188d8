//! The command: call a C function by its declaration, explain where its arguments go, measure what a call costs.
#![deny(unsafe_code)]

mod bench;
mod call;
mod explain;
mod foreign;
mod output;
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
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Call(options) => call::run(&options),
        Command::Explain(options) => explain::run(&options),
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
