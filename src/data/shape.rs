//! Types of data with their layout in this process.
//!
//! Those that functions take and give back last until the process ends, as the functions' stubs do, one of each: so a call
//! that makes data counts no references to its type, and calls of one function from many threads do not meet in a counter.
#![allow(unsafe_code)]

use super::storage::is_small;
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::layout::Type;
use foldhash::fast::FixedState;
use std::alloc::Layout;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A C type with its layout in this process.
pub(crate) struct Shape {
    ctype: CType,
    layout: Type,
    memory: Layout,
}

impl Shape {
    pub(super) fn new(ctype: &CType) -> Result<Shape, Error> {
        let wrong = |why: String| Error::from(ErrorKind::Type { ty: ctype.to_string(), why });
        let layout = ctype.lower(host::MODEL).map_err(|error| wrong(error.to_string()))?;
        let layout = layout.ok_or_else(|| wrong("void has no values".into()))?;
        let size = usize::try_from(layout.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
        let align = usize::try_from(layout.align(host::MODEL).bytes()).unwrap_or(usize::MAX);
        let memory = Layout::from_size_align(size, align).map_err(|error| wrong(error.to_string()))?;
        Ok(Shape { ctype: ctype.resolved(), layout, memory })
    }

    /// The one of this type that lasts. It is made when first asked for.
    ///
    /// # Errors
    /// A type that has no layout.
    pub(crate) fn lasting(ctype: &CType) -> Result<&'static Shape, Error> {
        LASTING.get_or_make(ctype)
    }

    pub(super) fn ctype(&self) -> &CType {
        &self.ctype
    }

    pub(crate) fn layout(&self) -> &Type {
        &self.layout
    }

    /// Size and alignment, for the allocator.
    pub(super) fn memory(&self) -> Layout {
        self.memory
    }

    /// Whether its values need no allocation.
    pub(crate) fn is_small(&self) -> bool {
        is_small(self.memory)
    }
}

/// A shape, and what keeps it.
#[derive(Clone)]
pub(super) enum Kept {
    Lasting(&'static Shape),
    Counted(Arc<Shape>),
}

impl Kept {
    /// The shape of a type: the one that lasts, if some function has asked for it, so that calls know its data at sight.
    ///
    /// # Errors
    /// A type that has no layout.
    pub(super) fn of(ctype: &CType) -> Result<Kept, Error> {
        let (list, content) = LASTING.list_of(ctype);
        match find(list.load(Ordering::Acquire), &content) {
            Some(shape) => Ok(Kept::Lasting(shape)),
            None => Ok(Kept::Counted(Arc::new(Shape::new(ctype)?))),
        }
    }
}

impl Deref for Kept {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        match self {
            Kept::Lasting(shape) => shape,
            Kept::Counted(shape) => shape,
        }
    }
}

static LASTING: Table = Table([const { AtomicPtr::new(ptr::null_mut()) }; Table::LISTS]);

/// Lists of shapes that only grow, by the hash of their types' contents. Without a lock: a process that is forked while
/// another thread adds to them finds them whole.
struct Table([AtomicPtr<Node>; Table::LISTS]);

struct Node {
    content: Box<[u8]>,
    shape: Shape,
    next: *mut Node,
}

impl Table {
    const LISTS: usize = 512;

    /// The list where the shape of a type belongs, and the type's content.
    fn list_of(&self, ctype: &CType) -> (&AtomicPtr<Node>, Box<[u8]>) {
        let content = ctype.resolved().content();
        let hash = FixedState::default().hash_one(&content);
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let list = &self.0[hash as usize % Table::LISTS];
        (list, content)
    }

    fn get_or_make(&'static self, ctype: &CType) -> Result<&'static Shape, Error> {
        let (list, content) = self.list_of(ctype);
        let mut first = list.load(Ordering::Acquire);
        if let Some(shape) = find(first, &content) {
            return Ok(shape);
        }
        let node = Box::leak(Box::new(Node { content, shape: Shape::new(ctype)?, next: first }));
        // Who comes second with the same type leaves a node that nobody finds, or whose shape serves as well.
        while let Err(now) = list.compare_exchange(first, node, Ordering::AcqRel, Ordering::Acquire) {
            first = now;
            node.next = now;
        }
        Ok(&node.shape)
    }
}

/// The shape of this content in the list that starts at `node`.
fn find(mut node: *mut Node, content: &[u8]) -> Option<&'static Shape> {
    // SAFETY: null or a node that was leaked, and published whole by the exchange that put it in the list.
    while let Some(here) = unsafe { node.as_ref::<'static>() } {
        if *here.content == *content {
            return Some(&here.shape);
        }
        node = here.next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decl::parse_type;

    fn lasting(text: &str) -> &'static Shape {
        Shape::lasting(&parse_type(text, host::MODEL).expect(text)).expect(text)
    }

    #[test]
    fn there_is_one_of_each() {
        let a = lasting("struct p { int x; struct p *next; }");
        assert!(ptr::eq(a, lasting("struct p { int x; struct p *next; }")));
        assert!(!ptr::eq(a, lasting("struct p { int y; struct p *next; }")));
        assert!(!ptr::eq(a, lasting("struct q { int x; struct q *next; }")));
        assert!(ptr::eq(a, lasting("typedef struct p { int x; struct p *next; } p; p")));
    }

    #[test]
    fn data_takes_what_lasts() {
        let late = parse_type("struct late { int x; }", host::MODEL).expect("a type");
        assert!(matches!(Kept::of(&late), Ok(Kept::Counted(_))));
        let lasting = Shape::lasting(&late).expect("a shape");
        assert!(matches!(Kept::of(&late), Ok(Kept::Lasting(shape)) if ptr::eq(shape, lasting)));
    }

    #[test]
    fn threads_agree_in_the_end() {
        // Miri takes long over each.
        let count = if cfg!(miri) { 10 } else { 200 };
        let names: Vec<String> = (0..count).map(|n| format!("struct of{n} {{ int x; }}")).collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    names.iter().for_each(|name| {
                        assert_eq!(lasting(name).ctype().to_string(), name[..name.len() - 11])
                    })
                });
            }
        });
        for name in &names {
            assert!(ptr::eq(lasting(name), lasting(name)));
        }
    }
}
