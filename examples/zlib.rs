//! zlib's streams: a text is packed in one piece and unpacked in many. `z_stream` is known by its declaration only.
//!
//! All that is `unsafe` is to vouch for the declarations.

use callsmith::decl::Declarations;
use callsmith::{Error, Library, Linked, find_library, host};
use std::ffi::CString;

const HEADER: &str = "
    #define Z_NO_FLUSH 0
    #define Z_FINISH 4
    #define Z_OK 0
    #define Z_STREAM_END 1
    #define Z_DATA_ERROR (-3)
    struct internal_state;
    typedef struct z_stream_s {
        const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
        unsigned char *next_out; unsigned avail_out; unsigned long total_out;
        const char *msg; struct internal_state *state;
        void *(*zalloc)(void *, unsigned, unsigned); void (*zfree)(void *, void *); void *opaque;
        int data_type; unsigned long adler; unsigned long reserved;
    } z_stream;
    const char *__null_terminated zlibVersion(void);
    int deflateInit_(z_stream *stream, int level, const char *version, int size);
    int deflate(z_stream *stream, int flush);
    int deflateEnd(z_stream *stream);
    int inflateInit_(z_stream *stream, const char *version, int size);
    int inflate(z_stream *stream, int flush);
    int inflateEnd(z_stream *stream);";

fn main() -> Result<(), Error> {
    let header = Declarations::parse(HEADER, host::MODEL)?;
    let constant = |name| i32::try_from(header.constant(name).unwrap_or(i128::MAX)).unwrap_or(i32::MAX);
    let (finish, end) = (constant("Z_FINISH"), constant("Z_STREAM_END"));
    // SAFETY: as zlib.h has them; below, each length is that of its buffer.
    let zlib = unsafe { Library::open(find_library("z")?.name)?.bind(&header) };
    let version: Option<CString> = zlib.get("zlibVersion")?.call(())?;
    let version = version.unwrap_or_default();
    let new_stream = || Linked::new(header.ty("z_stream").expect("declared above"));

    let text = b"to be or not to be, that is to be compressed; ".repeat(40);
    let mut packed = vec![0u8; 1024];
    let room = packed.len();
    let mut stream = new_stream()?;
    let size = stream.view().bytes().len();
    assert_eq!(
        zlib.get("deflateInit_")?.call::<_, i32>((&mut stream, 9, &*version, size))?,
        constant("Z_OK")
    );
    stream.set("next_in", &text[..])?;
    stream.set("avail_in", text.len())?;
    stream.set("next_out", &mut packed[..])?;
    stream.set("avail_out", room)?;
    assert_eq!(zlib.get("deflate")?.call::<_, i32>((&mut stream, finish))?, end);
    let left: usize = stream.get("avail_out")?.try_into()?;
    assert_eq!(zlib.get("deflateEnd")?.call::<_, i32>((&mut stream,))?, constant("Z_OK"));
    drop(stream); // and with it what it borrowed
    packed.truncate(room - left);
    println!("packed: {} bytes to {}", text.len(), packed.len());

    let mut unpacked = vec![0u8; text.len()];
    let mut stream = new_stream()?;
    assert_eq!(zlib.get("inflateInit_")?.call::<_, i32>((&mut stream, &*version, size))?, constant("Z_OK"));
    stream.set("next_in", &packed[..])?;
    stream.set("avail_in", packed.len())?;
    let mut pieces = 0;
    for piece in unpacked.chunks_mut(256) {
        stream.set("avail_out", piece.len())?;
        stream.set("next_out", piece)?;
        let _: i32 = zlib.get("inflate")?.call((&mut stream, constant("Z_NO_FLUSH")))?;
        pieces += 1;
    }
    assert_eq!(zlib.get("inflateEnd")?.call::<_, i32>((&mut stream,))?, constant("Z_OK"));
    drop(stream);
    assert_eq!(unpacked, text);
    println!("unpacked: {} bytes in {pieces} pieces", unpacked.len());

    // What is no packed data is refused.
    let mut nothing = [0u8; 16];
    let mut stream = new_stream()?;
    assert_eq!(zlib.get("inflateInit_")?.call::<_, i32>((&mut stream, &*version, size))?, constant("Z_OK"));
    stream.set("next_in", &text[..])?;
    stream.set("avail_in", text.len())?;
    stream.set("next_out", &mut nothing[..])?;
    stream.set("avail_out", 16)?;
    let status: i32 = zlib.get("inflate")?.call((&mut stream, finish))?;
    println!("refused: {}", status == constant("Z_DATA_ERROR"));
    assert_eq!(zlib.get("inflateEnd")?.call::<_, i32>((&mut stream,))?, constant("Z_OK"));
    Ok(())
}
