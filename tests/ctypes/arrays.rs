//! "Arrays", "Variable-sized data types".

use super::structures::ty;
use callsmith::ctype::CType;
use callsmith::{Data, Error, Value, decl, host};

#[test]
fn an_array_of_points_in_a_struct() -> Result<(), Error> {
    let text = "struct MyStruct { int a; float b; struct POINT { int x, y; } point_array[4]; }";
    let value = Data::new(&ty(text))?;
    assert_eq!(value.at("point_array")?.len(), 4);
    let zeros: Vec<String> = value.at("point_array")?.iter().map(|point| point.to_string()).collect();
    assert_eq!(zeros, ["{.x = 0, .y = 0}"; 4]);
    Ok(())
}

#[test]
fn ten_integers_are_initialised_in_order() -> Result<(), Error> {
    let ten = CType::array_of(&CType::int(), 10);
    let mut ii = Data::with(&ten, 1..=10)?;
    assert_eq!(ii.to_string(), "{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}");
    assert_eq!(ten.element().map(|element| element.to_string()).as_deref(), Some("int"));
    // The rest is zero, as in C.
    assert_eq!(Data::with(&ten, [1])?.to_string(), "{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}");
    assert_eq!(ii.get("[9]")?, Value::I32(10));
    let error = ii.get("[10]").expect_err("out of range").to_string();
    assert_eq!(error, "int[10] has no member '[10]'");
    assert!(ii.view().index(10).is_err());
    // A slice is an array in the same memory.
    let slice = ii.view().slice(2..5)?;
    assert_eq!(
        (slice.len(), slice.to_string().as_str(), slice.ctype().to_string().as_str()),
        (3, "{3, 4, 5}", "int[3]")
    );
    assert!(ii.view().slice(8..11).is_err());
    ii.view_mut().slice(2..5)?.index(0)?.write(-3)?;
    assert_eq!(ii.get("[2]")?, Value::I32(-3));
    let three = Data::with(&CType::array_of(&CType::int(), 3), [7, 8, 9])?;
    ii.view_mut().slice(0..3)?.write(three)?;
    assert_eq!(ii.to_string(), "{7, 8, 9, 4, 5, 6, 7, 8, 9, 10}");
    // As Rust's own array.
    assert_eq!(ii.view().read::<[i32; 10]>()?, [7, 8, 9, 4, 5, 6, 7, 8, 9, 10]);
    Ok(())
}

#[test]
fn arrays_of_bytes_are_text() -> Result<(), Error> {
    let mut name = Data::new(&ty("struct { char name[8]; wchar_t wide[4]; }"))?;
    name.at_mut("name")?.set_text(b"Hello")?;
    name.at_mut("name")?.set_text(b"Hi")?;
    assert_eq!((name.at("name")?.text(), name.at("name")?.bytes()), (&b"Hi"[..], &b"Hi\0lo\0\0\0"[..]));
    let error = name.at_mut("name")?.set_text(b"far too long").expect_err("no room").to_string();
    assert_eq!(error, "wanted char[8], given a text of 12: it has room for 8");
    name.set("wide[0]", 'é' as u32)?;
    assert_eq!(name.at("wide")?.wide_text()?, "é");
    Ok(())
}

#[test]
fn resize_makes_room_and_never_less_than_the_type_has() -> Result<(), Error> {
    let mut short_array = Data::new(&ty("short[4]"))?;
    assert_eq!(short_array.bytes().len(), 8);
    let error = short_array.resize(4).expect_err("too small").to_string();
    assert_eq!(error, "wanted at least 8 bytes for short[4], given 4 bytes");
    short_array.resize(32)?;
    assert_eq!(short_array.bytes().len(), 32);
    // The type still has its own size; the new memory is reached through another.
    assert_eq!(short_array.ctype().size(host::MODEL).map(|size| size.bytes()), Ok(8));
    assert!(short_array.get("[5]").is_err());
    let longer = decl::parse_type("short[16]", host::MODEL)?;
    let whole = callsmith::View::of(&longer, short_array.bytes())?;
    assert_eq!(whole.get("[15]")?, Value::I16(0));
    Ok(())
}
