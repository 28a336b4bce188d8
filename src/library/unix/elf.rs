//! The little of an ELF file that finding a library takes: whether this process can load it, and its own name.
//!
//! Format: System V Application Binary Interface, "Object Files" and "Program Loading and Dynamic Linking".

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const MAGIC: &[u8] = b"\x7fELF";
/// `ELFCLASS64`
const CLASS_64: u8 = 2;
const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
/// No file has so many program headers or so large a dynamic section; a damaged one may say so.
const MOST: u64 = 1 << 20;

/// What must be equal for one process to load two files: class, byte order, machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind([u8; 4]);

/// The kind of this process: its program's. `None` where the system does not show it.
pub(super) fn own_kind() -> Option<Kind> {
    read(Path::new("/proc/self/exe")).ok().flatten().map(|elf| elf.kind)
}

/// An ELF file.
pub(super) struct Elf {
    pub(super) kind: Kind,
    /// `DT_SONAME`, what programs that were linked with it look for. Only read where the byte order is this machine's.
    pub(super) soname: Option<String>,
}

/// Reads a file; `None` where it is no ELF file.
pub(super) fn read(path: &Path) -> io::Result<Option<Elf>> {
    read_from(File::open(path)?)
}

fn read_from(mut file: impl Read + Seek) -> io::Result<Option<Elf>> {
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    if !head.starts_with(MAGIC) || head.len() < 52 {
        return Ok(None);
    }
    let kind = Kind([head[4], head[5], head[18], head[19]]);
    let wide = head[4] == CLASS_64;
    Ok(Some(Elf { kind, soname: Reader { file, wide }.soname(&head) }))
}

/// A file of the class that `wide` says, in this machine's byte order.
struct Reader<F> {
    file: F,
    wide: bool,
}

impl<F: Read + Seek> Reader<F> {
    fn soname(&mut self, head: &[u8]) -> Option<String> {
        let (start, size, count) =
            if self.wide { (word(head, 32, 8)?, 54, 56) } else { (word(head, 28, 4)?, 42, 44) };
        let (size, count) = (word(head, size, 2)?, word(head, count, 2)?);
        let headers = self.bytes(start, size.checked_mul(count)?)?;
        let segments: Vec<Segment> = headers
            .chunks_exact(usize::try_from(size).ok().filter(|size| *size > 0)?)
            .filter_map(|header| self.segment(header))
            .collect();
        let dynamic = segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let entries = self.bytes(dynamic.offset, dynamic.size)?;
        let width = if self.wide { 8 } else { 4 };
        let entry = |wanted| {
            entries
                .chunks_exact(2 * width)
                .map_while(|entry| Some((word(entry, 0, width)?, word(entry, width, width)?)))
                .take_while(|(tag, _)| *tag != 0)
                .find(|(tag, _)| *tag == wanted)
                .map(|(_, value)| value)
        };
        let (strings, name) = (entry(DT_STRTAB)?, entry(DT_SONAME)?);
        let at = strings.checked_add(name)?;
        let load = segments.iter().find(|segment| {
            segment.kind == PT_LOAD && at.checked_sub(segment.address).is_some_and(|into| into < segment.size)
        })?;
        let text = self.bytes(load.offset.checked_add(at - load.address)?, 256)?;
        let end = text.iter().position(|byte| *byte == 0)?;
        String::from_utf8(text[..end].to_vec()).ok()
    }

    fn segment(&self, header: &[u8]) -> Option<Segment> {
        let [offset, address, size] = if self.wide { [8, 16, 32] } else { [4, 8, 16] };
        let width = if self.wide { 8 } else { 4 };
        Some(Segment {
            kind: word(header, 0, 4)?,
            offset: word(header, offset, width)?,
            address: word(header, address, width)?,
            size: word(header, size, width)?,
        })
    }

    /// At most `len` bytes at `offset`: fewer where the file ends.
    fn bytes(&mut self, offset: u64, len: u64) -> Option<Vec<u8>> {
        self.file.seek(SeekFrom::Start(offset)).ok()?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(len.min(MOST)).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// A program header.
struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

/// The unsigned number of `width` bytes at `at`.
fn word(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let found = bytes.get(at..at + width)?;
    let mut word = [0; 8];
    let place = if cfg!(target_endian = "little") { 0 } else { 8 - width };
    word[place..place + width].copy_from_slice(found);
    Some(u64::from_ne_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host;
    use std::fs;

    #[test]
    fn a_library_says_its_name() {
        let libc = crate::find_library("c").expect("libc").path;
        let libc = read(&libc).expect("readable").expect("ELF");
        assert_eq!(Some(libc.kind), own_kind());
        // musl's has none.
        assert!(libc.soname.map_or(host::IS_MUSL, |name| name.starts_with("libc.")));
    }

    #[test]
    fn damaged_files_are_no_libraries() {
        let libc = fs::read(crate::find_library("c").expect("libc").path).expect("readable");
        for (len, byte) in [(3, 0), (51, 0), (60, 0xff), (64, 0xff), (200, 0xff), (4096, 0xff)] {
            let mut bytes = libc[..len].to_vec();
            bytes.iter_mut().skip(32).for_each(|place| *place |= byte);
            let read = read_from(io::Cursor::new(bytes)).expect("readable");
            assert_eq!(read.is_some(), len >= 52);
            assert_eq!(read.and_then(|elf| elf.soname), None);
        }
        // Each byte of the headers as another, and as the largest.
        let mut names = 0;
        let mut bytes = libc;
        for place in 0..1024 {
            let whole = bytes[place];
            for damaged in [0, 1, 0x7f, 0xff, whole ^ 0x80] {
                bytes[place] = damaged;
                let read = read_from(io::Cursor::new(&bytes[..])).expect("readable");
                names += usize::from(read.is_some_and(|elf| elf.soname.is_some()));
            }
            bytes[place] = whole;
        }
        assert!(names > 0 || host::IS_MUSL);
    }
}
