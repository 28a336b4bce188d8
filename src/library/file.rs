//! What a library's file exports and needs, read without loading it: ELF and PE, for any processor.

use crate::error::{Error, ErrorKind};
use object::read::elf::{FileHeader, Sym};
use object::read::pe::{ExportTarget, ImageNtHeaders, PeFile};
use object::{Endianness, FileKind, LittleEndian, elf, pe};
use std::fs;
use std::path::Path;

/// A library as its file has it. Nothing of it runs.
///
/// ```ignore-windows
/// use callsmith::{LibraryFile, SymbolKind, find_library};
///
/// let libm = LibraryFile::read(find_library("m")?.path)?;
/// assert_eq!(libm.name.as_deref(), Some("libm.so.6"));
/// assert!(libm.needs.iter().any(|name| name.starts_with("libc.so")));
/// let cos = libm.exports.iter().find(|symbol| symbol.name.as_deref() == Some("cos"));
/// assert_eq!(cos.map(|symbol| symbol.kind), Some(SymbolKind::Function));
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LibraryFile {
    /// The name that it gives itself: ELF's `DT_SONAME`.
    pub name: Option<String>,
    /// The libraries that must be there for it to load, by the names that the loader looks for.
    pub needs: Vec<String>,
    /// What it exports, in the file's order.
    pub exports: Vec<Exported>,
}

/// A symbol that a library exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its name; `None` where it has an ordinal only.
    pub name: Option<String>,
    /// What it is.
    pub kind: SymbolKind,
    /// ELF: its version, `GLIBC_2.2.5`.
    pub version: Option<String>,
    /// ELF: whether only those who ask for this version get it, since there is a newer one.
    pub hidden: bool,
    /// PE: its ordinal.
    pub ordinal: Option<u16>,
    /// PE: the symbol of another library that it stands for, `NTDLL.RtlAllocateHeap`.
    pub forwards_to: Option<String>,
    /// Its address, counted from where the library is loaded; 0 where it is forwarded.
    pub address: u64,
    /// Its size in bytes; 0 where the file does not say, which PE files never do.
    pub size: u64,
}

/// What an exported symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SymbolKind {
    /// A function.
    Function,
    /// A variable.
    Variable,
    /// A variable that each thread has its own of.
    ThreadLocal,
    /// The file does not say: PE files never do.
    Unknown,
}

impl LibraryFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or is neither ELF nor PE, or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<LibraryFile, Error> {
        let path = path.as_ref();
        let failed =
            |source| Error::from(ErrorKind::LibraryFile { path: path.display().to_string(), source });
        let bytes = fs::read(path).map_err(|error| failed(error.into()))?;
        parse(&bytes).map_err(|why| failed(why.into()))
    }

    /// Reads what is a file's content.
    ///
    /// # Errors
    /// As for [`LibraryFile::read`].
    pub fn parse(bytes: &[u8]) -> Result<LibraryFile, Error> {
        let path = format!("{} bytes", bytes.len());
        parse(bytes).map_err(|why| ErrorKind::LibraryFile { path, source: why.into() }.into())
    }
}

fn parse(bytes: &[u8]) -> Result<LibraryFile, String> {
    let said = |error: object::read::Error| error.to_string();
    match FileKind::parse(bytes).map_err(said)? {
        FileKind::Elf32 => of_elf::<elf::FileHeader32<Endianness>>(bytes).map_err(said),
        FileKind::Elf64 => of_elf::<elf::FileHeader64<Endianness>>(bytes).map_err(said),
        FileKind::Pe32 => of_pe::<pe::ImageNtHeaders32>(bytes).map_err(said),
        FileKind::Pe64 => of_pe::<pe::ImageNtHeaders64>(bytes).map_err(said),
        other => Err(format!("it is neither ELF nor PE, but {other:?}")),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn of_elf<E: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<LibraryFile, object::read::Error> {
    let header = E::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut file = LibraryFile { name: None, needs: Vec::new(), exports: Vec::new() };
    let dynamic = sections.dynamic_table(endian, bytes)?;
    for entry in &dynamic {
        if entry.tag == elf::DT_SONAME {
            file.name = Some(text(dynamic.string(entry)?));
        } else if entry.tag == elf::DT_NEEDED {
            file.needs.push(text(dynamic.string(entry)?));
        }
    }
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, bytes)?.unwrap_or_default();
    for (index, symbol) in symbols.enumerate() {
        let name = symbols.symbol_name(endian, symbol)?;
        if symbol.is_undefined(endian) || symbol.is_local() || name.is_empty() {
            continue;
        }
        let kind = match symbol.st_type() {
            elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
            elf::STT_OBJECT | elf::STT_COMMON => SymbolKind::Variable,
            elf::STT_TLS => SymbolKind::ThreadLocal,
            _ => SymbolKind::Unknown,
        };
        let versym = versions.version_index(endian, index);
        let version = versions.version(versym.index())?.map(|version| version.name());
        // A version's own name stands in the table too.
        if version == Some(name) {
            continue;
        }
        file.exports.push(Exported {
            name: Some(text(name)),
            kind,
            version: version.map(text),
            hidden: versym.is_hidden(),
            ordinal: None,
            forwards_to: None,
            address: symbol.st_value(endian).into(),
            size: symbol.st_size(endian).into(),
        });
    }
    Ok(file)
}

fn of_pe<P: ImageNtHeaders>(bytes: &[u8]) -> Result<LibraryFile, object::read::Error> {
    let pe = PeFile::<P>::parse(bytes)?;
    let mut file = LibraryFile { name: None, needs: Vec::new(), exports: Vec::new() };
    if let Some(imports) = pe.import_table()? {
        let mut descriptors = imports.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            file.needs.push(text(imports.name(descriptor.name.get(LittleEndian))?));
        }
    }
    let Some(table) = pe.export_table()? else { return Ok(file) };
    for export in table.exports()? {
        let (address, forwards_to) = match export.target {
            ExportTarget::Address(0) => continue,
            ExportTarget::Address(address) => (address.into(), None),
            ExportTarget::ForwardByName(library, name) => {
                (0, Some(format!("{}.{}", text(library), text(name))))
            }
            ExportTarget::ForwardByOrdinal(library, ordinal) => {
                (0, Some(format!("{}.#{ordinal}", text(library))))
            }
        };
        file.exports.push(Exported {
            name: export.name.map(text),
            kind: SymbolKind::Unknown,
            version: None,
            hidden: false,
            ordinal: Some(export.ordinal.0),
            forwards_to,
            address,
            size: 0,
        });
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose bytes are anything is read or refused.
    #[test]
    fn damaged_files_are_refused_or_read() {
        let mut bytes = fs::read(std::env::current_exe().expect("this program")).expect("readable");
        assert!(LibraryFile::parse(&bytes).is_ok());
        let error = LibraryFile::parse(b"no library").expect_err("no library").to_string();
        assert!(error.starts_with("cannot read the library file '10 bytes': "), "{error}");
        let len = bytes.len();
        // The headers, and the section headers at the end.
        for place in (0..256).chain(len.saturating_sub(1024)..len) {
            let whole = bytes[place];
            for damaged in [0, 0xff, whole ^ 0x80] {
                bytes[place] = damaged;
                let _ = parse(&bytes);
            }
            bytes[place] = whole;
        }
        for cut in [0, 1, 16, 63, 64, 100, 1000, len / 2, len - 1] {
            let _ = parse(&bytes[..cut]);
        }
    }
}
