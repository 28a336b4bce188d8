//! libxml2's SAX handlers: a struct of function pointers, filled by name.

use super::{element, installed, text};
use callsmith::callback::Callback;
use callsmith::{Data, Error, Ptr, Value, decl, host};
use std::sync::{Arc, Mutex};

/// xmlSAXHandler of parser.h 2.9; what is not used here is `void *`.
const TYPES: &str = "typedef unsigned char xmlChar;
    struct _xmlSAXHandler {
        void *internalSubset, *isStandalone, *hasInternalSubset, *hasExternalSubset, *resolveEntity, *getEntity,
            *entityDecl, *notationDecl, *attributeDecl, *elementDecl, *unparsedEntityDecl, *setDocumentLocator,
            *startDocument, *endDocument;
        void (*startElement)(void *ctx, const xmlChar *name, const xmlChar **atts);
        void (*endElement)(void *ctx, const xmlChar *name);
        void *reference;
        void (*characters)(void *ctx, const xmlChar *ch, int len);
        void *ignorableWhitespace, *processingInstruction, *comment, *warning, *error, *fatalError,
            *getParameterEntity, *cdataBlock, *externalSubset;
        unsigned initialized;
        void *_private, *startElementNs, *endElementNs, *serror;
    };";

type Start = fn(Ptr, Ptr<i8>, Ptr<Ptr<i8>>);
type End = fn(Ptr, Ptr<i8>);
type Characters = fn(Ptr, Ptr<i8>, i32);

const DOCUMENT: &str = "<a x=\"1\"><b>text</b><c/></a>";

#[test]
fn libxml2_tells_what_it_reads() -> Result<(), Error> {
    let Some(xml2) = installed("libxml2.so.2") else { return Ok(()) };
    let declaration =
        "int xmlSAXUserParseMemory(struct _xmlSAXHandler *sax, void *user, const char *buffer, int size)";
    // SAFETY: as parser.h has it; the length below is the document's.
    let parse = unsafe { xml2.function(&format!("{TYPES} {declaration}"))? };

    let seen: Arc<Mutex<String>> = Arc::default();
    let (starts, ends, texts) = (Arc::clone(&seen), Arc::clone(&seen), Arc::clone(&seen));
    let start = Callback::<Start>::new(move |_: Ptr, name: Ptr<i8>, attributes: Ptr<Ptr<i8>>| {
        let first = if attributes.is_null() {
            String::new()
        } else {
            format!(" {}={}", text(element(attributes, 0)), text(element(attributes, 1)))
        };
        *starts.lock().expect("a lock") += &format!("<{}{first}>", text(name));
    })?;
    let end = Callback::<End>::new(move |_: Ptr, name: Ptr<i8>| {
        *ends.lock().expect("a lock") += &format!("</{}>", text(name));
    })?;
    let characters = Callback::<Characters>::new(move |_: Ptr, start: Ptr<i8>, length: i32| {
        let part: Vec<u8> = (0..length as usize).map(|i| element(start, i) as u8).collect();
        *texts.lock().expect("a lock") += &String::from_utf8_lossy(&part);
    })?;

    let sax = decl::parse_prototype(&format!("{TYPES} struct _xmlSAXHandler f(void)"), host::MODEL)?.result;
    let fields = sax.fields(host::MODEL).expect("a layout").expect("a struct");
    let field =
        |name: &str| &fields.iter().find(|field| field.name.as_deref() == Some(name)).expect("a member").ty;
    let mut handler = Data::new(&sax)?;
    // SAFETY: for these members, in a struct that the callbacks outlive.
    unsafe {
        handler.set("startElement", start.value_for(field("startElement")).expect("of this type"))?;
        handler.set("endElement", end.value_for(field("endElement")).expect("of this type"))?;
        handler.set("characters", characters.value_for(field("characters")).expect("of this type"))?;
        assert!(start.value_for(field("endElement")).is_none());
    }
    handler.set("initialized", 1)?;
    // SAFETY: handler and document stay where they are.
    let (handler, document) =
        unsafe { (Ptr::new(handler.as_mut_ptr().cast_const().cast()), Ptr::new(DOCUMENT.as_ptr().cast())) };
    let length = i32::try_from(DOCUMENT.len()).expect("short");
    let args = [Value::Pointer(handler), Value::Pointer(Ptr::NULL), Value::Pointer(document), length.into()];
    assert_eq!(parse.call_values(&args)?, Value::I32(0));
    assert_eq!(*seen.lock().expect("a lock"), "<a x=1><b>text</b><c></c></a>");
    Ok(())
}
