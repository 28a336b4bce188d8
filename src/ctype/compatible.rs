//! Whether two C types are the same to a caller: C's compatibility across translation units (C11 6.2.7).

use super::basic::Qualifiers;
use super::types::{EnumId, FunctionNode, RecordBody, RecordId, Shape, TypeId, Types};
use std::collections::HashSet;

/// Whether type `a` of one arena is compatible with type `b` of another.
///
/// Pairs wait in a list rather than on the stack, and none is looked at twice: types may be recursive and deep. A pair met
/// again is taken to be compatible, which is right as long as no other pair proves otherwise.
pub(crate) fn compatible(left: &Types, a: TypeId, right: &Types, b: TypeId) -> bool {
    let mut comparison = Comparison::new(left, right, Unknown::Fits);
    comparison.push(a, b);
    comparison.holds()
}

/// Whether objects of the two types, whatever their own qualifiers, may stand for each other with all that they point at.
/// That is compatibility, but for structs of which one text shows the members and the other does not: nobody compared
/// those.
pub(crate) fn same_objects(left: &Types, a: TypeId, right: &Types, b: TypeId) -> bool {
    let mut comparison = Comparison::new(left, right, Unknown::Differs);
    comparison.push_unqualified(a, b);
    comparison.holds()
}

/// Whether a type of which nothing is known but its tag may be one of which more is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Fits,
    Differs,
}

impl Types {
    /// Whether two types of this arena are compatible.
    pub(crate) fn compatible(&self, a: TypeId, b: TypeId) -> bool {
        compatible(self, a, self, b)
    }
}

struct Comparison<'a> {
    left: &'a Types,
    right: &'a Types,
    unknown: Unknown,
    pending: Vec<Pair>,
    seen: HashSet<(TypeId, TypeId)>,
}

/// Two types to compare.
struct Pair {
    a: TypeId,
    b: TypeId,
    /// Qualifiers that stand on the arrays that these are the elements of, and so are theirs (C11 6.7.3p9).
    more: (Qualifiers, Qualifiers),
    /// Whether the outermost qualifiers do not matter.
    unqualified: bool,
}

impl<'a> Comparison<'a> {
    fn new(left: &'a Types, right: &'a Types, unknown: Unknown) -> Comparison<'a> {
        Comparison { left, right, unknown, pending: Vec::new(), seen: HashSet::new() }
    }

    /// Whether all pairs agree.
    fn holds(mut self) -> bool {
        while let Some(pair) = self.pending.pop() {
            if !self.pair(pair) {
                return false;
            }
        }
        true
    }

    fn push(&mut self, a: TypeId, b: TypeId) {
        let more = (Qualifiers::NONE, Qualifiers::NONE);
        self.pending.push(Pair { a, b, more, unqualified: false });
    }

    fn push_unqualified(&mut self, a: TypeId, b: TypeId) {
        let more = (Qualifiers::NONE, Qualifiers::NONE);
        self.pending.push(Pair { a, b, more, unqualified: true });
    }

    /// Whether the outermost parts of a pair agree. What they are made of is left pending.
    fn pair(&mut self, Pair { a, b, more, unqualified }: Pair) -> bool {
        let (a, a_qualifiers) = self.left.resolve(a);
        let (b, b_qualifiers) = self.right.resolve(b);
        // What else is known of a pointer does not make it another type.
        let known = |qualifiers| Qualifiers { is_null_terminated: false, counted_by: None, ..qualifiers };
        let more = (known(more.0.union(a_qualifiers)), known(more.1.union(b_qualifiers)));
        if let (Shape::Array { element: a, len: a_len }, Shape::Array { element: b, len: b_len }) =
            (&self.left.node(a).shape, &self.right.node(b).shape)
        {
            self.pending.push(Pair { a: *a, b: *b, more, unqualified });
            return a_len.is_none() || b_len.is_none() || a_len == b_len;
        }
        if !unqualified && more.0 != more.1 {
            return false;
        }
        if !self.seen.insert((a, b)) {
            return true;
        }
        let (left, right) = (self.left, self.right);
        self.shapes(&left.node(a).shape, &right.node(b).shape)
    }

    fn shapes(&mut self, a: &Shape, b: &Shape) -> bool {
        match a {
            Shape::Void => matches!(b, Shape::Void),
            Shape::VaList => matches!(b, Shape::VaList),
            Shape::Integer(a) => matches!(b, Shape::Integer(b) if a == b),
            Shape::Floating(a) => matches!(b, Shape::Floating(b) if a == b),
            Shape::Complex(a) => matches!(b, Shape::Complex(b) if a == b),
            Shape::Vector { lane: a, bytes } => {
                let Shape::Vector { lane: b, bytes: other } = b else { return false };
                self.push(*a, *b);
                bytes == other
            }
            Shape::Pointer(a) => {
                let Shape::Pointer(b) = b else { return false };
                self.push(*a, *b);
                true
            }
            Shape::Function(a) => {
                let Shape::Function(b) = b else { return false };
                self.functions(a, b)
            }
            Shape::Record(a) => matches!(b, Shape::Record(b) if self.records(*a, *b)),
            Shape::Enum(a) => matches!(b, Shape::Enum(b) if self.enums(*a, *b)),
            // Two arrays were seen to by the caller, and typedefs resolved.
            Shape::Array { .. } | Shape::Typedef { .. } => false,
        }
    }

    fn functions(&mut self, a: &FunctionNode, b: &FunctionNode) -> bool {
        self.push_unqualified(a.result, b.result);
        if a.convention != b.convention {
            return false;
        }
        if a.unprototyped || b.unprototyped {
            return true;
        }
        // A parameter's own qualifiers are no part of the function's type (C11 6.7.6.3p15).
        for ((_, a), (_, b)) in a.params.iter().zip(&b.params) {
            self.push_unqualified(*a, *b);
        }
        a.variadic == b.variadic && a.params.len() == b.params.len()
    }

    fn records(&mut self, a: RecordId, b: RecordId) -> bool {
        let (a, b) = (self.left.record(a), self.right.record(b));
        if a.kind != b.kind || a.tag != b.tag {
            return false;
        }
        let same_name = a.identity == b.identity || a.tag.is_some();
        match (&a.body, &b.body) {
            // Also of one and the same: it may have been completed twice.
            (Some(a), Some(b)) => self.bodies(a, b),
            (None, None) => same_name,
            // One that is incomplete may be any of its tag.
            (None, Some(_)) | (Some(_), None) => same_name && self.unknown == Unknown::Fits,
        }
    }

    fn bodies(&mut self, a: &RecordBody, b: &RecordBody) -> bool {
        let attributes =
            |body: &RecordBody| (body.packed, body.align, body.pack, body.bit_fields, body.order);
        attributes(a) == attributes(b)
            && a.members.len() == b.members.len()
            && a.members.iter().zip(&b.members).all(|(a, b)| {
                self.push(a.ty, b.ty);
                (&a.name, a.bits, a.packed, a.align) == (&b.name, b.bits, b.packed, b.align)
            })
    }

    fn enums(&mut self, a: EnumId, b: EnumId) -> bool {
        let (a, b) = (self.left.enumeration(a), self.right.enumeration(b));
        if a.identity == b.identity {
            return true;
        }
        match (&a.body, &b.body) {
            _ if a.tag != b.tag => false,
            (Some(a), Some(b)) => a.underlying == b.underlying && a.constants == b.constants,
            (None, _) | (_, None) => a.tag.is_some(),
        }
    }
}
