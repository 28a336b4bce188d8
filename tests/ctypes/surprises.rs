//! "Surprises".

use super::structures::ty;
use callsmith::{Data, Error};

const RECT: &str = "struct RECT { struct POINT { int x, y; } a, b; }";

/// In ctypes `rc.a, rc.b = rc.b, rc.a` gives 3 4 3 4, since reading a member hands out a view. Here a value is a copy, and
/// a view keeps what it sees from being written (a doc test of [`callsmith::View`] does not compile).
#[test]
fn two_points_are_swapped_as_expected() -> Result<(), Error> {
    let mut rc = Data::new(&ty(RECT))?;
    for (path, value) in [("a.x", 1), ("a.y", 2), ("b.x", 3), ("b.y", 4)] {
        rc.set(path, value)?;
    }
    let (b, a) = (rc.get("b")?, rc.get("a")?);
    rc.set("a", b)?;
    rc.set("b", a)?;
    assert_eq!(rc.to_string(), "{.a = {.x = 3, .y = 4}, .b = {.x = 1, .y = 2}}");
    rc.view_mut().swap("a", "b")?;
    assert_eq!(rc.to_string(), "{.a = {.x = 1, .y = 2}, .b = {.x = 3, .y = 4}}");
    Ok(())
}

/// What ctypes' steps amount to, where one asks for them: from view to view, one after the other.
#[test]
fn assignment_between_views_copies_at_once() -> Result<(), Error> {
    let mut rc = Data::with(&ty(RECT), [Data::with(&ty("struct POINT { int x, y; }"), [1, 2])?])?;
    rc.set("b.x", 3)?;
    rc.set("b.y", 4)?;
    let copy = rc.clone();
    rc.at_mut("a")?.assign(&copy.at("b")?)?;
    rc.set("b.x", 9)?;
    assert_eq!(rc.to_string(), "{.a = {.x = 3, .y = 4}, .b = {.x = 9, .y = 4}}");
    Ok(())
}
