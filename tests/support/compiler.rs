//! C compilers as judges: they compile, and what they made of the source is read from the object file. Nothing is run.

use callsmith_arch::layout::DataModel;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionIndex};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A compiler for one data model.
pub(crate) struct Compiler {
    pub(crate) model: &'static DataModel,
    command: Vec<String>,
}

/// The initialised variables of an object file.
pub(crate) struct Variables {
    sections: HashMap<SectionIndex, Vec<u8>>,
    places: HashMap<String, (SectionIndex, usize)>,
}

impl Compiler {
    /// The compiler of a data model, or why there is none here.
    pub(crate) fn of(model: &'static DataModel) -> Result<Compiler, String> {
        let gcc = |words: &[&str]| words.iter().map(|&word| String::from(word)).collect::<Vec<_>>();
        // Without AVX, GCC aligns vectors of 32 and 64 bytes to 16 in records, which is not the psABI's way.
        let command = match model.name {
            "LP64" => gcc(&["gcc", "-m64", "-mavx512f"]),
            "ILP32-gnu" => gcc(&["gcc", "-m32", "-mavx512f"]),
            "LLP64-gnu" => gcc(&["x86_64-w64-mingw32-gcc", "-mavx512f"]),
            "ILP32-mingw" => gcc(&["i686-w64-mingw32-gcc", "-mavx512f"]),
            "AAPCS64-linux" => gcc(&["aarch64-linux-gnu-gcc"]),
            "LLP64-msvc" => zig("x86_64-windows-msvc")?,
            "ILP32-msvc" => zig("x86-windows-msvc")?,
            "AAPCS64-darwin" => zig("aarch64-macos")?,
            "AAPCS64-windows" => zig("aarch64-windows-msvc")?,
            other => return Err(format!("no compiler is known for {other}")),
        };
        let compiler = Compiler { model, command };
        match compiler.compile("int nothing;\n", "probe") {
            Ok(_) => Ok(compiler),
            Err(why) => Err(format!("{}: {why}", compiler.command.join(" "))),
        }
    }

    /// Compiles `source`, and reads what it initialises. `name` is the file's.
    pub(crate) fn compile(&self, source: &str, name: &str) -> Result<Variables, String> {
        // Tests run side by side: no two files may share a name.
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let stem = format!("{}-{name}-{}-{number}", self.model.name, std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (c, o) = (folder.join(format!("{stem}.c")), folder.join(format!("{stem}.o")));
        std::fs::write(&c, source).map_err(|error| error.to_string())?;
        let object = self.run(&c, &o).and_then(|()| std::fs::read(&o).map_err(|error| error.to_string()));
        let read = object.and_then(|bytes| Variables::read(&bytes).map_err(|error| error.to_string()));
        // What failed stays, to be looked at.
        if read.is_ok() {
            let _ = (std::fs::remove_file(&c), std::fs::remove_file(&o));
        }
        read
    }

    fn run(&self, source: &PathBuf, object: &PathBuf) -> Result<(), String> {
        let output = Command::new(&self.command[0])
            .args(&self.command[1..])
            .args(["-std=gnu11", "-w", "-O0", "-fno-common", "-c"])
            .arg(source)
            .arg("-o")
            .arg(object)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let errors = text.lines().filter(|line| line.contains("error")).take(8);
        Err(errors.collect::<Vec<_>>().join("\n"))
    }
}

/// Zig's clang for a target: `CALLSMITH_ZIG` (a command, such as `python3 -m ziglang`), or Python's ziglang.
fn zig(target: &str) -> Result<Vec<String>, String> {
    let zig = std::env::var("CALLSMITH_ZIG").ok().filter(|zig| !zig.trim().is_empty());
    let zig = zig.unwrap_or_else(|| "python3 -m ziglang".into());
    let words = zig.split_whitespace().chain(["cc", "-target", target, "-fno-sanitize=all"]);
    let command: Vec<String> = words.map(String::from).collect();
    let version = Command::new(&command[0]).args(zig.split_whitespace().skip(1)).arg("version").output();
    match version {
        Ok(output) if output.status.success() => Ok(command),
        Ok(_) | Err(_) => Err(format!("`{zig} version` does not work, and CALLSMITH_ZIG names no other")),
    }
}

impl Variables {
    fn read(file: &[u8]) -> Result<Variables, object::Error> {
        let file = object::File::parse(file)?;
        let mut variables = Variables { sections: HashMap::new(), places: HashMap::new() };
        for section in file.sections() {
            variables.sections.insert(section.index(), section.uncompressed_data()?.into_owned());
        }
        for symbol in file.symbols() {
            let Some(section) = symbol.section_index() else { continue };
            let start = symbol.address() - file.section_by_index(section)?.address();
            // Mach-O and 32-bit Windows put an underscore before C's names.
            let name = symbol.name()?.trim_start_matches('_').into();
            variables.places.insert(name, (section, usize::try_from(start).expect("within a section")));
        }
        Ok(variables)
    }

    /// The first `len` bytes of a variable. Panics where there is none of that name, or where it is shorter.
    pub(crate) fn bytes(&self, name: &str, len: usize) -> &[u8] {
        let (section, start) = self.places.get(name).unwrap_or_else(|| panic!("no variable {name}"));
        &self.sections[section][*start..*start + len]
    }
}
