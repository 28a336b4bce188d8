//! `callsmith symbols`: what a library exports.

use crate::output;
use crate::table::{Column, Table};
use callsmith::{Exported, LibraryFile, SymbolKind, find_library};
use std::path::PathBuf;

/// List what a library exports, and which libraries it needs
#[derive(clap::Args)]
#[command(after_help = "\
Nothing of the library runs: its file is read, ELF or PE, for any processor.

Examples:
  callsmith symbols libm.so.6 pow
  callsmith symbols /usr/lib/libfoo.so
  callsmith symbols --needs z")]
pub(crate) struct Options {
    /// The library: a path, or a name as for find: libm.so.6, m
    library: String,
    /// Only symbols whose names contain this
    part: Option<String>,
    /// List the libraries that it needs instead
    #[arg(long, conflicts_with = "part")]
    needs: bool,
}

/// Prints the list.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let path = if options.library.contains(['/', '\\']) {
        PathBuf::from(&options.library)
    } else {
        find_library(&options.library)?.path
    };
    let file = LibraryFile::read(path)?;
    let text = if options.needs {
        file.needs.iter().map(|name| format!("{name}\n")).collect()
    } else {
        let part = options.part.as_deref().unwrap_or_default();
        table(file.exports.iter().filter(|symbol| symbol.name.as_deref().unwrap_or_default().contains(part)))
    };
    output::write(text.as_bytes())?;
    Ok(())
}

fn table<'a>(symbols: impl Iterator<Item = &'a Exported>) -> String {
    let mut symbols: Vec<&Exported> = symbols.collect();
    symbols.sort_by_key(|symbol| (&symbol.name, symbol.hidden));
    let mut table = Table::new([
        (Column::Left, "symbol"),
        (Column::Left, "kind"),
        (Column::Left, "version"),
        (Column::Right, "ordinal"),
        (Column::Right, "size"),
        (Column::Right, "address"),
        (Column::Left, "stands for"),
    ]);
    for symbol in symbols {
        let kind = match symbol.kind {
            SymbolKind::Function => "function",
            SymbolKind::Variable => "variable",
            SymbolKind::ThreadLocal => "thread-local",
            _ => "",
        };
        // As the linker writes it: two signs before the version that is taken where none is asked for.
        let signs = if symbol.hidden { "@" } else { "@@" };
        let shown = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        table.row([
            symbol.name.clone().unwrap_or_default(),
            kind.into(),
            symbol.version.as_ref().map(|version| format!("{signs}{version}")).unwrap_or_default(),
            symbol.ordinal.map(|ordinal| ordinal.to_string()).unwrap_or_default(),
            shown(symbol.size),
            if symbol.forwards_to.is_some() { String::new() } else { format!("{:#x}", symbol.address) },
            symbol.forwards_to.clone().unwrap_or_default(),
        ]);
    }
    table.print()
}
