//! C compilers as judges: what they made of a source is read from the object file, or is loaded as a library. Which
//! compiler is whose is said here and nowhere else.

use super::program;
use callsmith::host;
use callsmith_arch::Abi;
use callsmith_arch::abi::{Aapcs64, X86Flavour};
use callsmith_arch::layout::{DataModel, Float};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionIndex};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
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

/// The commands of compilers for a data model, the first choice first.
fn commands(model: &DataModel) -> Result<Vec<Vec<String>>, String> {
    let gcc = |choices: &[&str]| {
        let words = |choice: &&str| choice.split(' ').map(String::from).collect();
        Ok(choices.iter().map(words).collect())
    };
    match model.name {
        "LP64" => gcc(&["gcc -m64", "x86_64-linux-gnu-gcc"]),
        "ILP32-gnu" => gcc(&["i686-linux-gnu-gcc", "gcc -m32"]),
        "LLP64-gnu" => gcc(&["x86_64-w64-mingw32-gcc"]),
        "ILP32-mingw" => gcc(&["i686-w64-mingw32-gcc"]),
        "AAPCS64-linux" if cfg!(target_arch = "aarch64") => gcc(&["aarch64-linux-gnu-gcc", "gcc"]),
        "AAPCS64-linux" => gcc(&["aarch64-linux-gnu-gcc"]),
        "LLP64-msvc" => zig("x86_64-windows-msvc"),
        "ILP32-msvc" => zig("x86-windows-msvc"),
        "AAPCS64-darwin" => zig("aarch64-macos"),
        "AAPCS64-windows" => zig("aarch64-windows-msvc"),
        other => Err(format!("no compiler is known for {other}")),
    }
}

/// Flags for object files. Without AVX, GCC aligns vectors of 32 and 64 bytes to 16 in records, which is not the psABI's way.
fn object_flags(model: &DataModel) -> &'static [&'static str] {
    match model.name {
        "LP64" | "ILP32-gnu" | "LLP64-gnu" | "ILP32-mingw" => &["-mavx512f"],
        _ => &[],
    }
}

/// A file name that no other test uses: they run side by side.
fn stem(name: &str) -> String {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}-{}", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed))
}

impl Compiler {
    /// The compiler of a data model, or why there is none here.
    pub(crate) fn of(model: &'static DataModel) -> Result<Compiler, String> {
        let mut reasons = Vec::new();
        for command in commands(model)? {
            let compiler = Compiler { model, command };
            match compiler.compile("int nothing;\n", "probe") {
                Ok(_) => return Ok(compiler),
                Err(why) => reasons.push(format!("{}: {why}", compiler.command.join(" "))),
            }
        }
        Err(reasons.join("; "))
    }

    /// clang for an ABI's target, or why there is none here.
    pub(crate) fn clang(abi: Abi) -> Result<Compiler, String> {
        let (target, model) = match abi {
            Abi::SysV64 => ("x86_64-linux-gnu", &DataModel::LP64),
            Abi::Win64 => ("x86_64-windows-gnu", &DataModel::LLP64_GNU),
            Abi::X86(_, X86Flavour::Linux) => ("x86-linux-gnu", &DataModel::ILP32_GNU),
            Abi::X86(_, X86Flavour::Mingw) => ("x86-windows-gnu", &DataModel::ILP32_MINGW),
            Abi::X86(_, X86Flavour::Msvc) => ("x86-windows-msvc", &DataModel::ILP32_MSVC),
            Abi::Aapcs64(Aapcs64::Linux) => ("aarch64-linux-gnu", &DataModel::AAPCS64_LINUX),
            Abi::Aapcs64(Aapcs64::Darwin) => ("aarch64-macos", &DataModel::AAPCS64_DARWIN),
            Abi::Aapcs64(Aapcs64::Windows) => ("aarch64-windows-msvc", &DataModel::AAPCS64_WINDOWS),
        };
        let command = zig(target)?.into_iter().next().ok_or("no command")?;
        Ok(Compiler { model, command })
    }

    /// Compiles `source` to LLVM's assembly.
    pub(crate) fn lowering(&self, source: &str, name: &str) -> Result<String, String> {
        let stem = stem(&format!("{}-{name}", self.model.name));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (c, ll) = (folder.join(format!("{stem}.c")), folder.join(format!("{stem}.ll")));
        std::fs::write(&c, source).map_err(|error| error.to_string())?;
        let mut flags =
            vec!["-std=gnu11", "-w", "-O0", "-S", "-emit-llvm", "-g0", "-fno-discard-value-names"];
        // clang has the type under another name alone.
        flags.extend(match self.model.long_double {
            Float::F128 => &["-D_Float128=long double"][..],
            Float::X87 => &["-D_Float128=__float128", "-mcpu=x86_64_v4"],
            Float::F64 if self.model == &DataModel::ILP32_MSVC => &["-mcpu=x86_64_v4"],
            Float::F16 | Float::F32 | Float::F64 => &[],
        });
        let text = self
            .run(&flags, &c, &ll)
            .and_then(|()| std::fs::read_to_string(&ll).map_err(|error| error.to_string()));
        if text.is_ok() {
            let _ = (std::fs::remove_file(&c), std::fs::remove_file(&ll));
        }
        text
    }

    /// The compiler for libraries that this process can load, or why there is none here.
    pub(crate) fn native() -> Result<&'static Compiler, String> {
        static NATIVE: OnceLock<Result<Compiler, String>> = OnceLock::new();
        NATIVE.get_or_init(|| Compiler::of(host::MODEL)).as_ref().map_err(String::clone)
    }

    /// Its command, for what is neither an object file nor a library.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        command
    }

    /// Compiles `source`, and reads what it initialises. `name` is the file's.
    pub(crate) fn compile(&self, source: &str, name: &str) -> Result<Variables, String> {
        let stem = stem(&format!("{}-{name}", self.model.name));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (c, o) = (folder.join(format!("{stem}.c")), folder.join(format!("{stem}.o")));
        std::fs::write(&c, source).map_err(|error| error.to_string())?;
        let flags = ["-std=gnu11", "-w", "-O0", "-fno-common", "-c"];
        let flags = [object_flags(self.model), &flags].concat();
        let object =
            self.run(&flags, &c, &o).and_then(|()| std::fs::read(&o).map_err(|error| error.to_string()));
        let read = object.and_then(|bytes| Variables::read(&bytes).map_err(|error| error.to_string()));
        // What failed stays, to be looked at.
        if read.is_ok() {
            let _ = (std::fs::remove_file(&c), std::fs::remove_file(&o));
        }
        read
    }

    /// Makes a shared library of `source`, in a file that is the caller's to remove.
    pub(crate) fn library(&self, source: &str, name: &str, flags: &[&str]) -> Result<PathBuf, String> {
        let stem = stem(name);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let c = folder.join(format!("{stem}.c"));
        let library = folder.join(format!("{stem}.{}", std::env::consts::DLL_EXTENSION));
        std::fs::write(&c, source).map_err(|error| error.to_string())?;
        let made = self.library_at(&c, &library, flags);
        let _ = std::fs::remove_file(&c);
        made.map(|()| library)
    }

    /// Makes a shared library of the file `source`.
    pub(crate) fn library_at(&self, source: &Path, library: &Path, flags: &[&str]) -> Result<(), String> {
        let kind: &[&str] = match self.model.name {
            // libgcc's own DLL would have to be found.
            "LLP64-gnu" => &["-shared", "-static-libgcc"],
            // Told of these registers, gcc passes vectors in them.
            "ILP32-mingw" => &["-shared", "-static-libgcc", "-msse2"],
            "ILP32-gnu" => &["-shared", "-fPIC", "-msse2"],
            _ => &["-shared", "-fPIC"],
        };
        self.run(&[kind, flags].concat(), source, library)
    }

    fn run(&self, flags: &[&str], source: &Path, output: &Path) -> Result<(), String> {
        let mut words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let (source, output) = (program::path(source), program::path(output));
        words.extend([&source, "-o", &output]);
        // Behind the source, where libraries have to stand.
        words.extend(flags);
        program::run(&words)?.ok()
    }
}

/// Zig's clang for a target: `CALLSMITH_ZIG` (a command, such as `python3 -m ziglang`), or Python's ziglang.
fn zig(target: &str) -> Result<Vec<Vec<String>>, String> {
    let zig = std::env::var("CALLSMITH_ZIG").ok().filter(|zig| !zig.trim().is_empty());
    let zig = zig.unwrap_or_else(|| "python3 -m ziglang".into());
    let words = zig.split_whitespace().chain(["cc", "-target", target, "-fno-sanitize=all"]);
    let version: Vec<&str> = zig.split_whitespace().chain(["version"]).collect();
    match program::run(&version) {
        Ok(ran) if ran.success => Ok(vec![words.map(String::from).collect()]),
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
