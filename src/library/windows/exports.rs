//! The exports of a loaded module, read where they lie.
//!
//! Format: "PE Format", sections "Optional Header Data Directories" and "The .edata Section".
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

/// Where the offset of the PE header is.
const PE_HEADER: usize = 0x3c;
/// In the PE header, behind its signature and the COFF header: the optional header.
const OPTIONAL_HEADER: usize = 24;
/// In the optional header: the size of the image.
const IMAGE_SIZE: usize = 56;
/// In the optional header: the data directories, of which the first is the exports'. By the header's magic number.
const DIRECTORIES: [(u32, usize); 2] = [(0x10b, 96), (0x20b, 112)];
/// In the export directory: how many addresses and names, then where the addresses, names and ordinals are.
const COUNTS: usize = 20;

/// The export with a name that begins nearest before `offset` or there, and its own offset.
///
/// # Safety
/// A module is loaded at `base`.
pub(super) unsafe fn nearest_export(base: *const u8, offset: usize) -> Option<(String, usize)> {
    // SAFETY: the caller's promise. The headers are in the module's first page.
    let image = unsafe { Image::at(base) }?;
    let directory = image.exports?;
    let word = |index| image.word(entry(entry(directory, 1, COUNTS), 4, index));
    let [addresses, names, ordinals] = [word(2)?, word(3)?, word(4)?];
    let count = word(1)?;
    let named = (0..count).filter_map(|index| {
        let name = image.word(entry(names, 4, index))?;
        let ordinal = image.half(entry(ordinals, 2, index))?;
        Some((image.word(entry(addresses, 4, ordinal))?, name))
    });
    let (start, name) = named.filter(|(start, _)| *start <= offset).max_by_key(|(start, _)| *start)?;
    Some((image.text(name)?, start))
}

/// Where an entry of a table of `width` bytes each is. Too far is outside of every image.
fn entry(table: usize, width: usize, index: usize) -> usize {
    table.saturating_add(index.saturating_mul(width))
}

/// A module in memory: everything in it is found by its offset.
struct Image {
    base: *const u8,
    size: usize,
    /// The export directory.
    exports: Option<usize>,
}

impl Image {
    /// # Safety
    /// A module is loaded at `base`.
    unsafe fn at(base: *const u8) -> Option<Image> {
        let mut image = Image { base, size: 4096, exports: None };
        let optional = entry(image.word(PE_HEADER)?, 1, OPTIONAL_HEADER);
        let size = image.word(entry(optional, 1, IMAGE_SIZE))?;
        let magic = image.word(optional)? & 0xffff;
        let (_, directories) = DIRECTORIES.iter().find(|(known, _)| usize::try_from(*known) == Ok(magic))?;
        image.exports = image.word(entry(optional, 1, *directories)).filter(|exports| *exports != 0);
        image.size = size;
        Some(image)
    }

    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        if at.checked_add(N)? > self.size {
            return None;
        }
        // SAFETY: inside of the image, which its loader keeps mapped.
        Some(unsafe { self.base.add(at).cast::<[u8; N]>().read_unaligned() })
    }

    fn word(&self, at: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.read(at)?)).ok()
    }

    fn half(&self, at: usize) -> Option<usize> {
        Some(u16::from_le_bytes(self.read(at)?).into())
    }

    fn text(&self, at: usize) -> Option<String> {
        self.read::<1>(at)?;
        // SAFETY: the loader's own names end with a NUL inside of the image.
        let text = unsafe { CStr::from_ptr(self.base.add(at).cast::<c_char>()) };
        Some(text.to_string_lossy().into_owned())
    }
}
