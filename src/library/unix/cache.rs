//! The cache of glibc's loader, `/etc/ld.so.cache`: which library names it knows, and where they are.
//!
//! Format: `sysdeps/generic/dl-cache.h` of glibc, the "new" one, which may stand behind the old one.

use std::fs;
use std::path::PathBuf;

/// Where the cache is.
pub(super) const PATH: &str = "/etc/ld.so.cache";

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// The header: magic, number of entries, length of the strings, flags, an offset, three words unused.
const HEADER: usize = 48;
/// An entry: flags, key, value, operating system version, hardware capabilities.
const ENTRY: usize = 24;
/// What a library for this process has in its flags: glibc 2's ELF, and the architecture.
const FLAGS: u32 = if cfg!(target_arch = "x86_64") {
    0x0303
} else if cfg!(target_arch = "aarch64") {
    0x0a03
} else {
    0x0003
};

/// The names and files of all libraries for this process; none where there is no cache.
pub(super) fn libraries() -> Vec<(String, PathBuf)> {
    fs::read(PATH).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<Vec<(String, PathBuf)>> {
    let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
    let cache = bytes.get(start..)?;
    let count = word(cache, MAGIC.len())? as usize;
    let entries = cache.get(HEADER..)?.chunks_exact(ENTRY).take(count);
    let mut ours: Vec<&[u8]> = entries.filter(|entry| word(entry, 0) == Some(FLAGS)).collect();
    // What is only for processors with more capabilities comes first, since of equal ones the last is taken.
    ours.sort_by_key(|entry| entry[16..] == [0; 8]);
    let ours = ours.into_iter();
    Some(
        ours.filter_map(|entry| Some((text(cache, word(entry, 4)?)?, text(cache, word(entry, 8)?)?.into())))
            .collect(),
    )
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The string at an offset, up to its NUL.
fn text(cache: &[u8], at: u32) -> Option<String> {
    let rest = cache.get(at as usize..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_caches_are_no_caches() {
        assert!(parse(b"").is_none());
        assert!(parse(MAGIC).is_none());
        let mut cache = MAGIC.to_vec();
        cache.extend([0xff; 60]);
        assert_eq!(parse(&cache), Some(Vec::new()));
    }

    /// The loader's own tool lists the same.
    #[test]
    fn the_cache_has_what_ldconfig_prints() {
        let Ok(output) = std::process::Command::new("/sbin/ldconfig").arg("-p").output() else {
            println!("skipped: no ldconfig");
            return;
        };
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let ours = libraries();
        for (name, path) in &ours {
            assert!(
                listed.contains(&format!("\t{name} ")) && listed.contains(&*path.to_string_lossy()),
                "{name}"
            );
        }
        let of_this_kind = listed.lines().filter(|line| line.contains("x86-64")).count();
        if cfg!(target_arch = "x86_64") {
            assert_eq!(ours.len(), of_this_kind);
        }
    }
}
