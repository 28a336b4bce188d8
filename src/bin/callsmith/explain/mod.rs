//! `callsmith explain`: where a calling convention wants every byte of a call, and why.

mod assembly;
mod callback;
mod holds;
mod json;
mod pieces;
mod stack;
mod subject;
pub(crate) mod target;

use crate::output;
use crate::table::{WIDTH, wrap};
use callsmith::arch::layout::DataModel;
use std::error::Error;
use subject::Subject;
use target::Choice;

/// Show where a call's arguments and result go, and why
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  callsmith explain 'double pow(double x, double y)'
  callsmith explain --abi all --asm 'struct P { double x; int n; }; struct P f(struct P p, short s)'
  callsmith explain 'int printf(const char *format, ...)' --tail 'int, double'
  callsmith explain --callback --asm 'int compare(const void *a, const void *b)'")]
pub(crate) struct Options {
    /// The function's declaration; types that it needs may be declared before it
    declaration: String,
    /// The target's ABI, such as win64, aapcs64-linux or stdcall, or all; that of this process if not given
    #[arg(long, value_parser = target::abi)]
    abi: Option<Choice>,
    /// The data model that types are laid out under, such as LP64 or LLP64-gnu; the ABI's usual one if not given
    #[arg(long, value_parser = target::model)]
    model: Option<&'static DataModel>,
    /// The types of what follows the fixed parameters of a variadic function: 'int, double'
    #[arg(long)]
    tail: Option<String>,
    /// Show where a callback of this declaration finds its arguments, and where it leaves its result
    #[arg(long, conflicts_with = "tail")]
    callback: bool,
    /// Also disassemble the stubs; for a callback, thunk and adapter
    #[arg(long)]
    asm: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut subjects = Vec::new();
    for (abi, usual) in target::of(options.abi.as_ref()) {
        let model = options.model.unwrap_or(usual);
        let subject = Subject::new(&options.declaration, options.tail.as_deref(), abi, model)?;
        subjects.push(if options.callback { subject.into_callback()? } else { subject });
    }
    let text = if options.json {
        let plans = subjects.iter().map(|subject| json::of(subject, options.asm));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        let whole = if let [plan] = &plans[..] {
            serde_json::to_string_pretty(plan)
        } else {
            serde_json::to_string_pretty(&plans)
        };
        whole? + "\n"
    } else {
        let pages = subjects.iter().map(|subject| page(subject, options.asm));
        pages.collect::<Result<Vec<_>, _>>()?.join("\n")
    };
    output::write(text.as_bytes())?;
    Ok(())
}

fn page(subject: &Subject, asm: bool) -> Result<String, callsmith::arch::Error> {
    let mut text = format!("{}\n{}\n\n", wrap(&subject.prototype.to_string(), 4, WIDTH), subject.title());
    text += &pieces::print(subject);
    text += &format!("\n{}", stack::print(subject));
    if subject.is_callback() {
        text += &format!("\n{}", callback::print(subject));
    }
    if asm {
        let pieces = assembly::pieces(subject)?;
        text.extend(pieces.iter().map(|piece| format!("\n{}", piece.print())));
    }
    Ok(text)
}
