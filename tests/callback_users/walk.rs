//! `ftw` and `nftw` over a tree of files.

use super::text;
use callsmith::callback::{self, Callback};
use callsmith::{Error, Library, Ptr, c_struct, opaque};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

opaque! {
    struct Stat = "stat";
}

c_struct! {
    struct Ftw { base: i32, level: i32 }
}

/// `FTW_F` and `FTW_D` of <ftw.h>.
const FILE: i32 = 0;
const FOLDER: i32 = 1;

/// A folder with a folder and three files, gone at the end.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Tree {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(root.join("deep")).expect("a folder");
        for file in ["a", "b", "deep/c"] {
            std::fs::write(root.join(file), file).expect("a file");
        }
        Tree(root)
    }

    fn path(&self) -> CString {
        CString::new(self.0.as_os_str().as_bytes()).expect("a path")
    }

    fn name(&self, path: &str) -> String {
        let path = Path::new(path).strip_prefix(&self.0).expect("inside the tree");
        path.to_str().expect("a name").to_owned()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn ftw_visits_everything() -> Result<(), Error> {
    let tree = Tree::new("ftw");
    let declaration =
        "int ftw(const char *path, int (*visit)(const char *, const struct stat *, int), int depth)";
    // SAFETY: as <ftw.h> has it.
    let ftw = unsafe { Library::this_process().function(declaration)? };
    let mut seen = Vec::new();
    let visit = |path: Ptr<i8>, _: Ptr<Stat>, kind: i32| {
        seen.push((tree.name(&text(path)), kind));
        0
    };
    let result = callback::scoped::<fn(Ptr<i8>, Ptr<Stat>, i32) -> i32, _, _>(visit, |visit| {
        ftw.call::<_, i32>((tree.path().as_c_str(), visit, 8))
    })??;
    assert_eq!(result, 0);
    seen.sort();
    let expected = [("", FOLDER), ("a", FILE), ("b", FILE), ("deep", FOLDER), ("deep/c", FILE)];
    assert_eq!(seen, expected.map(|(name, kind)| (name.to_owned(), kind)));
    Ok(())
}

/// The visitor's result other than 0 ends the walk, and is nftw's.
#[test]
fn nftw_stops_where_the_callback_says() -> Result<(), Error> {
    let tree = Arc::new(Tree::new("nftw"));
    let declaration = "struct FTW { int base; int level; };
        int nftw(const char *path, int (*visit)(const char *, const struct stat *, int, struct FTW *), int depth,
                 int flags)";
    // SAFETY: as <ftw.h> has it.
    let nftw = unsafe { Library::this_process().function(declaration)? };
    let seen: Arc<Mutex<Vec<(String, i32)>>> = Arc::default();
    let (names, places) = (Arc::clone(&tree), Arc::clone(&seen));
    type Visit = fn(Ptr<i8>, Ptr<Stat>, i32, Ptr<Ftw>) -> i32;
    let visit = Callback::<Visit>::new(move |path: Ptr<i8>, _: Ptr<Stat>, _: i32, place: Ptr<Ftw>| {
        // SAFETY: nftw's promise.
        let place = unsafe { *place.as_ptr() };
        let path = text(path);
        assert!(path[place.base as usize..].find('/').is_none());
        let name = names.name(&path);
        let stop = if name == "deep/c" { 77 } else { 0 };
        places.lock().expect("a lock").push((name, place.level));
        stop
    })?;
    let result: i32 = nftw.call((tree.path().as_c_str(), &visit, 8, 0))?;
    assert_eq!(result, 77);
    let seen = seen.lock().expect("a lock");
    assert_eq!(seen.first(), Some(&(String::new(), 0)));
    assert_eq!(seen.last(), Some(&("deep/c".to_owned(), 2)));
    Ok(())
}
