//! expat's handlers.

use super::{element, installed, text};
use callsmith::callback::Callback;
use callsmith::{Error, Ptr, opaque};
use std::sync::{Arc, Mutex};

opaque! {
    struct Parser = "XML_ParserStruct";
}

const TYPES: &str = "typedef struct XML_ParserStruct *XML_Parser;
    typedef void (*XML_StartElementHandler)(void *user, const char *name, const char **attributes);
    typedef void (*XML_EndElementHandler)(void *user, const char *name);
    typedef void (*XML_CharacterDataHandler)(void *user, const char *s, int len);";

type Start = fn(Ptr, Ptr<i8>, Ptr<Ptr<i8>>);
type End = fn(Ptr, Ptr<i8>);
type Characters = fn(Ptr, Ptr<i8>, i32);

const DOCUMENT: &str = "<a x=\"1\" y=\"two\"><b>text &amp; more</b><c/></a>";

#[test]
fn expat_tells_what_it_reads() -> Result<(), Error> {
    let Some(expat) = installed("libexpat.so.1") else { return Ok(()) };
    let function = |declaration: &str| {
        // SAFETY: each as expat.h has it; the length below is the document's.
        unsafe { expat.function(&format!("{TYPES} {declaration}")) }
    };
    let create = function("XML_Parser XML_ParserCreate(const char *encoding)")?;
    let set_elements =
        function("void XML_SetElementHandler(XML_Parser, XML_StartElementHandler, XML_EndElementHandler)")?;
    let set_characters = function("void XML_SetCharacterDataHandler(XML_Parser, XML_CharacterDataHandler)")?;
    let set_user = function("void XML_SetUserData(XML_Parser, void *)")?;
    let parse = function("int XML_Parse(XML_Parser, const char *s, int len, int isFinal)")?;
    let index = function("long XML_GetCurrentByteIndex(XML_Parser)")?.typed::<(Ptr<Parser>,), i64>()?;
    let free = function("void XML_ParserFree(XML_Parser)")?;

    let seen: Arc<Mutex<String>> = Arc::default();
    let (starts, ends, texts) = (Arc::clone(&seen), Arc::clone(&seen), Arc::clone(&seen));
    let start = Callback::<Start>::new(move |parser: Ptr, name: Ptr<i8>, attributes: Ptr<Ptr<i8>>| {
        let mut seen = starts.lock().expect("a lock");
        // SAFETY: the parser is what was set as the user's data.
        let at = index.call((unsafe { parser.cast() },));
        *seen += &format!("<{}@{at}", text(name));
        let mut pairs = (0..).step_by(2).take_while(|&i| !element(attributes, i).is_null());
        pairs.by_ref().for_each(|i| {
            *seen += &format!(" {}={}", text(element(attributes, i)), text(element(attributes, i + 1)))
        });
        *seen += ">";
    })?;
    let end = Callback::<End>::new(move |_: Ptr, name: Ptr<i8>| {
        *ends.lock().expect("a lock") += &format!("</{}>", text(name));
    })?;
    let characters = Callback::<Characters>::new_mut(move |_: Ptr, start: Ptr<i8>, length: i32| {
        let part: Vec<u8> = (0..length as usize).map(|i| element(start, i) as u8).collect();
        *texts.lock().expect("a lock") += &format!("[{}]", String::from_utf8_lossy(&part));
    })?;

    let parser: Ptr<Parser> = create.call((None::<&std::ffi::CStr>,))?;
    set_user.call::<_, ()>((parser, parser.erase()))?;
    set_elements.call::<_, ()>((parser, &start, &end))?;
    set_characters.call::<_, ()>((parser, &characters))?;
    let status: i32 = parse.call((parser, DOCUMENT.as_bytes(), DOCUMENT.len(), 1))?;
    assert_eq!(status, 1);
    let expected = "<a@0 x=1 y=two><b@17>[text ][&][ more]</b><c@39></c></a>";
    assert_eq!(*seen.lock().expect("a lock"), expected);
    free.call::<_, ()>((parser,))?;
    Ok(())
}
