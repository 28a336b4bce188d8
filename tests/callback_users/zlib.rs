//! zlib's allocation callbacks: a `z_stream` by declaration, with callbacks as members.

use super::installed;
use callsmith::callback::Callback;
use callsmith::{Data, Error, Ptr, Value, decl, host, opaque};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

opaque! {
    struct Stream = "z_stream_s";
}

/// zlib.h 1.2 and 1.3.
const TYPES: &str = "typedef void *(*alloc_func)(void *opaque, unsigned items, unsigned size);
    typedef void (*free_func)(void *opaque, void *address);
    struct internal_state;
    typedef struct z_stream_s {
        const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
        unsigned char *next_out; unsigned avail_out; unsigned long total_out;
        const char *msg; struct internal_state *state;
        alloc_func zalloc; free_func zfree; void *opaque;
        int data_type; unsigned long adler; unsigned long reserved;
    } z_stream;";

const FINISH: i32 = 4;
const STREAM_END: i32 = 1;

type Alloc = fn(Ptr, u32, u32) -> Ptr;
type Free = fn(Ptr, Ptr);

/// Memory that zlib was given and has not given back.
type Blocks = Arc<Mutex<HashMap<usize, Vec<u64>>>>;

#[test]
fn zlib_allocates_through_callbacks() -> Result<(), Error> {
    let Some(zlib) = installed("libz.so.1") else { return Ok(()) };
    // SAFETY: as zlib.h has them; the lengths below match.
    let (init, deflate, end, uncompress) = unsafe {
        (
            zlib.function(&format!("{TYPES} int deflateInit_(z_stream *, int level, const char *version, int size)"))?,
            zlib.function(&format!("{TYPES} int deflate(z_stream *, int flush)"))?,
            zlib.function(&format!("{TYPES} int deflateEnd(z_stream *)"))?,
            zlib.function("int uncompress(unsigned char *to, unsigned long *len, const unsigned char *from, unsigned long n)")?,
        )
    };

    let blocks = Blocks::default();
    let allocated = Arc::new(Mutex::new(0));
    let (giving, taking, counting) = (Arc::clone(&blocks), Arc::clone(&blocks), Arc::clone(&allocated));
    let alloc = Callback::<Alloc>::new(move |_: Ptr, items: u32, size: u32| {
        let mut block = vec![0u64; (items as usize * size as usize).div_ceil(8)];
        // SAFETY: the block stays where it is until zlib gives it back.
        let pointer: Ptr = unsafe { Ptr::new(block.as_mut_ptr().cast_const().cast()) };
        giving.lock().expect("a lock").insert(pointer.as_ptr().addr(), block);
        *counting.lock().expect("a lock") += 1;
        pointer
    })?;
    let free = Callback::<Free>::new(move |_: Ptr, block: Ptr| {
        assert!(taking.lock().expect("a lock").remove(&block.as_ptr().addr()).is_some(), "never given out");
    })?;

    let stream = decl::parse_prototype(&format!("{TYPES} z_stream stream(void)"), host::MODEL)?.result;
    let fields = stream.resolved().fields(host::MODEL).expect("a layout").expect("a struct");
    let field =
        |name: &str| &fields.iter().find(|field| field.name.as_deref() == Some(name)).expect("a member").ty;
    let text = b"to be or not to be, that is to be compressed ".repeat(100);
    let mut packed = vec![0u8; 1000];
    let mut data = Data::new(&stream)?;
    // SAFETY: for these members; both live on until the stream's end.
    unsafe {
        data.set("zalloc", alloc.value_for(field("zalloc")).expect("an allocator"))?;
        data.set("zfree", free.value_for(field("zfree")).expect("a deallocator"))?;
    }
    // SAFETY: both live on until the stream's end.
    let (from, to) =
        unsafe { (Ptr::new(text.as_ptr().cast()), Ptr::new(packed.as_mut_ptr().cast_const().cast())) };
    data.set("next_in", Value::Pointer(from))?;
    data.set("avail_in", text.len() as i64)?;
    data.set("next_out", Value::Pointer(to))?;
    data.set("avail_out", packed.len() as i64)?;

    // SAFETY: the stream stays where it is.
    let pointer: Ptr<Stream> = unsafe { Ptr::new(data.as_mut_ptr().cast_const().cast()) };
    let size = data.bytes().len() as i32;
    assert_eq!(init.call::<_, i32>((pointer, 9, c"1.2.11", size))?, 0);
    assert!(blocks.lock().expect("a lock").len() > 1);
    assert_eq!(deflate.call::<_, i32>((pointer, FINISH))?, STREAM_END);
    let length = data.get("total_out")?.as_integer().and_then(|n| n.fit::<usize>()).expect("a length");
    assert_eq!(end.call::<_, i32>((pointer,))?, 0);
    assert_eq!((blocks.lock().expect("a lock").len(), *allocated.lock().expect("a lock") > 1), (0, true));
    assert!(length < 200, "{length}");

    let mut unpacked = vec![0u8; text.len()];
    let mut unpacked_length = unpacked.len() as u64;
    let status: i32 = uncompress.call((&mut unpacked[..], &mut unpacked_length, &packed[..], length))?;
    assert_eq!((status, unpacked_length as usize), (0, text.len()));
    assert_eq!(unpacked, text);
    Ok(())
}

/// An allocator that has nothing to give: zlib says so.
#[test]
fn zlib_hears_that_there_is_no_memory() -> Result<(), Error> {
    let Some(zlib) = installed("libz.so.1") else { return Ok(()) };
    // SAFETY: as zlib.h has it.
    let init = unsafe {
        zlib.function(&format!(
            "{TYPES} int deflateInit_(z_stream *, int level, const char *version, int size)"
        ))?
    };
    let stream = decl::parse_prototype(&format!("{TYPES} z_stream stream(void)"), host::MODEL)?.result;
    let mut data = Data::new(&stream)?;
    let alloc = Callback::<Alloc>::new(|_: Ptr, _: u32, _: u32| Ptr::NULL)?;
    let free = Callback::<Free>::new(|_: Ptr, _: Ptr| ())?;
    // SAFETY: both live until after the call.
    unsafe {
        data.set("zalloc", Value::Pointer(Ptr::new(alloc.address())))?;
        data.set("zfree", Value::Pointer(Ptr::new(free.address())))?;
    }
    // SAFETY: the stream stays where it is.
    let pointer: Ptr<Stream> = unsafe { Ptr::new(data.as_mut_ptr().cast_const().cast()) };
    let size = data.bytes().len() as i32;
    const MEM_ERROR: i32 = -4;
    assert_eq!(init.call::<_, i32>((pointer, 6, c"1.2.11", size))?, MEM_ERROR);
    Ok(())
}
