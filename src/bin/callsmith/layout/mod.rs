//! `callsmith layout`: where a type's members lie, as a list and as a picture.

mod members;
mod picture;

use crate::explain::target::{self, Choice};
use crate::output;
use crate::table::{Column, Table};
use callsmith::arch::layout::DataModel;
use callsmith::ctype::CType;
use callsmith::decl;
use members::{Member, members};
use std::error::Error;

/// The largest type that is drawn, in bytes: so that bits can be counted.
const MOST: u64 = 1 << 48;

/// Show where the members of a struct or union lie
#[derive(clap::Args)]
#[command(after_help = "\
Bits are counted from the least significant of their byte, in big-endian types from the most significant.

Examples:
  callsmith layout 'struct { char tag; double x; unsigned a : 3, b : 7; }'
  callsmith layout --abi all 'typedef struct { char c; long n; long double l; } t;'")]
pub(crate) struct Options {
    /// The type; others that it needs may be declared before it
    #[arg(value_name = "TYPE")]
    ty: String,
    /// Lay out as code for this ABI, such as win64, aapcs64-linux or stdcall, or all; as for this process if not given
    #[arg(long, value_parser = target::abi)]
    abi: Option<Choice>,
    /// The data model, such as LP64 or LLP64-gnu; the ABI's usual one if not given
    #[arg(long, value_parser = target::model)]
    model: Option<&'static DataModel>,
}

/// Prints list and picture.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut models: Vec<&DataModel> = Vec::new();
    for (_, usual) in target::of(options.abi.as_ref()) {
        let model = options.model.unwrap_or(usual);
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let pages = models.into_iter().map(|model| page(&options.ty, model));
    let pages: Vec<String> = pages.collect::<Result<_, _>>()?;
    output::write(pages.join("\n").as_bytes())?;
    Ok(())
}

fn page(text: &str, model: &'static DataModel) -> Result<String, Box<dyn Error>> {
    let ty = decl::parse_type(text, model)?;
    let (size, align) = (ty.size(model)?.bytes(), ty.align(model)?.bytes());
    if size > MOST {
        return Err(format!("{ty} has {size} bytes, too many for a picture").into());
    }
    let members = members(&ty, model)?;
    let named = named(&ty);
    Ok(format!(
        "{named}: {size} bytes, aligned to {align}, as {} lays it out\n\n{}\n{}",
        model.name,
        list(&members, size),
        picture::draw(&members, size)
    ))
}

/// A type's name; the keyword alone where it has none.
fn named(ty: &CType) -> String {
    let name = ty.to_string();
    name.split_once('{').map_or(name.clone(), |(keyword, _)| keyword.trim().to_owned())
}

fn list(members: &[Member], size: u64) -> String {
    let mut table = Table::new([
        (Column::Right, "offset"),
        (Column::Right, "bit"),
        (Column::Right, "size"),
        (Column::Right, "bits"),
        (Column::Left, "member"),
        (Column::Cut, "type"),
    ]);
    let mut padding = members::gaps(members, size).into_iter().peekable();
    let gap = |first: u64, bits: u64| {
        let whole = first.is_multiple_of(8) && bits.is_multiple_of(8);
        let (size, bits) =
            if whole { ((bits / 8).to_string(), String::new()) } else { (String::new(), bits.to_string()) };
        let bit = if whole { String::new() } else { (first % 8).to_string() };
        [(first / 8).to_string(), bit, size, bits, String::new(), "padding".to_owned()]
    };
    for member in members {
        while let Some((first, bits)) = padding.next_if(|(first, _)| *first < member.first) {
            table.row(gap(first, bits));
        }
        let (bit, size, bits) = if member.is_bits {
            ((member.first % 8).to_string(), String::new(), member.bits.to_string())
        } else {
            (String::new(), (member.bits / 8).to_string(), String::new())
        };
        table.row([
            (member.first / 8).to_string(),
            bit,
            size,
            bits,
            member.name.clone(),
            member.ty.to_string(),
        ]);
    }
    for (first, bits) in padding {
        table.row(gap(first, bits));
    }
    table.print()
}
