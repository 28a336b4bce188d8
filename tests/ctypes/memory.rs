//! "Fundamental data types" (buffers), "Utility functions".

use super::structures::ty;
use callsmith::memory::{bytes_at, bytes_at_mut, memmove, memset, string_at, wstring_at};
use callsmith::{CharBuffer, Data, Error, Ptr, WideBuffer, WideChar, host};

#[test]
fn string_buffers_have_the_documented_sizes() -> Result<(), Error> {
    let p = CharBuffer::new(3);
    assert_eq!((p.size(), p.raw()), (3, &b"\0\0\0"[..]));
    let p = CharBuffer::of(b"Hello");
    assert_eq!((p.size(), p.raw(), p.value()), (6, &b"Hello\0"[..], &b"Hello"[..]));
    let mut p = CharBuffer::with_size(b"Hello", 10)?;
    assert_eq!((p.size(), p.raw()), (10, &b"Hello\0\0\0\0\0"[..]));
    p.set_value(b"Hi")?;
    assert_eq!((p.size(), p.raw()), (10, &b"Hi\0lo\0\0\0\0\0"[..]));
    Ok(())
}

/// The five cases of `create_string_buffer`'s reference.
#[test]
fn string_buffers_of_the_reference() -> Result<(), Error> {
    assert_eq!(CharBuffer::new(2).raw(), b"\0\0");
    assert_eq!(CharBuffer::of(b"ab").raw(), b"ab\0");
    assert_eq!(CharBuffer::with_size(b"ab", 2)?.raw(), b"ab"); // no NUL
    assert_eq!(CharBuffer::with_size(b"ab", 4)?.raw(), b"ab\0\0");
    let error = CharBuffer::with_size(b"abcdef", 2).expect_err("too long").to_string();
    assert_eq!(error, "wanted char[2], given a text of 6: it has room for 2");
    Ok(())
}

#[test]
fn wide_buffers_count_their_characters() -> Result<(), Error> {
    assert_eq!(WideBuffer::of("Hélló").size(), 6);
    let mut buffer = WideBuffer::with_size("ab", 2)?;
    assert_eq!(buffer.value()?, "ab");
    buffer.set_value("ü")?;
    assert_eq!((buffer.value()?.as_str(), buffer.raw()), ("ü", &['ü' as WideChar, 0][..]));
    assert!(buffer.set_value("abc").is_err());
    buffer.raw_mut()[0] = 0xd800;
    assert!(buffer.value().is_err());
    Ok(())
}

#[test]
fn raw_is_the_whole_block_and_value_ends_at_the_first_nul() {
    let mut p = CharBuffer::new(4);
    p.raw_mut().copy_from_slice(b"a\0bc");
    assert_eq!((p.value(), p.raw()), (&b"a"[..], &b"a\0bc"[..]));
}

#[test]
fn memory_is_moved_set_and_read_by_address() -> Result<(), Error> {
    let mut bytes = *b"abcdef\0x";
    // SAFETY: all within the array, which nobody else looks at.
    unsafe {
        let start = Ptr::new(bytes.as_mut_ptr());
        memmove(Ptr::new(start.as_ptr().add(1)), start, 3)?; // they overlap
        assert_eq!(string_at(start, None)?, b"aabcef");
        assert_eq!(string_at(start, Some(8))?, b"aabcef\0x");
        memset(start, b'-', 2)?;
        bytes_at_mut(start, 4)?[3] = b'!';
        assert_eq!(bytes_at(start, 6)?, b"--b!ef");
        assert!(memset(Ptr::<u8>::NULL, 0, 1).is_err());
        assert!(memset(Ptr::<u8>::NULL, 0, 0).is_ok());
        assert!(string_at(Ptr::<u8>::NULL, None).is_err());
        let wide = WideBuffer::of("grüße");
        let start = Ptr::new(wide.raw().as_ptr());
        assert_eq!(wstring_at(start, None)?, "grüße");
        assert_eq!(wstring_at(start, Some(3))?, "grü");
        assert!(wstring_at(Ptr::<WideChar>::NULL, None).is_err());
    }
    assert_eq!(&bytes, b"--b!ef\0x");
    Ok(())
}

#[test]
fn sizes_alignments_and_addresses() -> Result<(), Error> {
    let long = ty("long long");
    assert_eq!(long.size(host::MODEL).map(|size| size.bytes()), Ok(8));
    assert_eq!(ty("char[3]").align(host::MODEL).map(|align| align.bytes()), Ok(1));
    let mut data = Data::new(&ty("struct { char c; void *l; }"))?;
    let (whole, member) = (data.as_ptr().addr(), data.at("l")?.as_ptr().addr());
    assert_eq!((whole % size_of::<usize>(), member - whole), (0, size_of::<usize>()));
    // byref with an offset: the address of what is there.
    assert_eq!(data.at_mut("l")?.as_mut_ptr().addr(), member);
    data.resize(24)?;
    assert_eq!(data.bytes().len(), 24);
    Ok(())
}
