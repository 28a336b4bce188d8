//! C types printed back as C.

use super::basic::{Convention, Qualifiers};
use super::types::{EnumBody, EnumId, FunctionNode, MemberNode, RecordBody, RecordId, Shape, TypeId, Types};
use callsmith_arch::Align;
use callsmith_arch::layout::{BitFieldRule, RecordKind};
use std::fmt::Write;

/// How deep types without a name may stand in one another before the printer leaves the inner ones out.
const MAX_NESTING: u16 = 64;

/// `id` as the declaration of `name`; as a type name where `name` is empty.
pub(crate) fn declare(types: &Types, id: TypeId, name: &str) -> String {
    Printer::new(types).declare(id, name.to_owned())
}

/// A function's declaration.
pub(crate) fn declare_function(types: &Types, function: &FunctionNode, name: &str) -> String {
    let mut printer = Printer::new(types);
    let declarator = printer.function(function, name.to_owned());
    printer.declare(function.result, declarator)
}

/// The definition of a struct, union, enum or typedef; another type's name. With a semicolon.
pub(crate) fn define(types: &Types, id: TypeId) -> String {
    let mut printer = Printer::new(types);
    let text = match &types.node(id).shape {
        Shape::Record(record) => printer.record(*record, true),
        Shape::Enum(enumeration) => printer.enumeration(*enumeration, true),
        Shape::Typedef { name, target, align } => {
            let mut text = format!("typedef {}", printer.declare(*target, name.to_string()));
            if let Some(align) = align {
                let _ = write!(text, " __attribute__((aligned({align})))");
            }
            text
        }
        Shape::Void
        | Shape::VaList
        | Shape::Integer(_)
        | Shape::Floating(_)
        | Shape::Complex(_)
        | Shape::Vector { .. }
        | Shape::Pointer(_)
        | Shape::Array { .. }
        | Shape::Function(_) => printer.declare(id, String::new()),
    };
    if printer.packs {
        format!("#pragma pack(push)\n{text};\n#pragma pack(pop)\n")
    } else {
        format!("{text};")
    }
}

/// `left right` with a space where both are there.
fn join(left: &str, right: &str) -> String {
    match (left, right) {
        ("", word) | (word, "") => word.to_owned(),
        (left, right) => format!("{left} {right}"),
    }
}

struct Printer<'a> {
    types: &'a Types,
    depth: u16,
    /// The `#pragma pack` that the text printed so far leaves in force.
    pack: Option<Align>,
    /// Whether there is a `#pragma pack` in it.
    packs: bool,
}

impl<'a> Printer<'a> {
    fn new(types: &'a Types) -> Printer<'a> {
        Printer { types, depth: 0, pack: None, packs: false }
    }

    /// Wraps `declarator` from the inside out, as C reads, until a type that stands in front of it is reached.
    fn declare(&mut self, mut id: TypeId, mut declarator: String) -> String {
        loop {
            let node = self.types.node(id);
            let front = match &node.shape {
                Shape::Pointer(target) => {
                    declarator = join(&format!("*{}", node.qualifiers), &declarator);
                    if node.qualifiers == Qualifiers::NONE {
                        declarator = declarator.replacen("* ", "*", 1);
                    }
                    id = *target;
                    if let Shape::Array { .. } = &self.types.node(id).shape {
                        declarator = format!("({declarator})");
                    } else if let Shape::Function(function) = &self.types.node(id).shape {
                        declarator = format!("({})", join(&function.convention.to_string(), &declarator));
                    }
                    continue;
                }
                Shape::Array { element, len } => {
                    match len {
                        Some(len) => _ = write!(declarator, "[{len}]"),
                        None => declarator.push_str("[]"),
                    }
                    id = *element;
                    continue;
                }
                Shape::Function(function) => {
                    declarator = self.function(function, declarator);
                    id = function.result;
                    continue;
                }
                Shape::Void => "void".to_owned(),
                Shape::VaList => "__builtin_va_list".to_owned(),
                Shape::Integer(integer) => integer.spelling().to_owned(),
                Shape::Floating(floating) => floating.spelling().to_owned(),
                Shape::Complex(floating) => format!("{} _Complex", floating.spelling()),
                Shape::Vector { lane, bytes } => {
                    let lane = self.declare(*lane, String::new());
                    format!("{lane} __attribute__((vector_size({bytes})))")
                }
                Shape::Record(record) => self.record(*record, false),
                Shape::Enum(enumeration) => self.enumeration(*enumeration, false),
                Shape::Typedef { name, .. } => name.to_string(),
            };
            let front = join(&node.qualifiers.to_string(), &front);
            return if declarator.starts_with('[') { front + &declarator } else { join(&front, &declarator) };
        }
    }

    /// `declarator(params)`, with the convention in front where no parenthesis has it already.
    fn function(&mut self, function: &FunctionNode, declarator: String) -> String {
        let mut text = if declarator.starts_with('(') || function.convention == Convention::Default {
            declarator
        } else {
            let text = join(&function.convention.to_string(), &declarator);
            if self.returns_function(function) { format!("({text})") } else { text }
        };
        text.push('(');
        for (index, (name, ty)) in function.params.iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            text.push_str(&self.inner(|p| p.declare(*ty, name.as_deref().unwrap_or("").to_owned())));
        }
        text.push_str(match (function.params.is_empty(), function.variadic, function.unprototyped) {
            (_, _, true) => "",
            (true, false, false) => "void",
            (true, true, false) => "...",
            (false, true, false) => ", ...",
            (false, false, false) => "",
        });
        text.push(')');
        text
    }

    /// Whether the result is a pointer to a function, which would take an attribute after the `*` for its own.
    fn returns_function(&self, function: &FunctionNode) -> bool {
        let Shape::Pointer(target) = self.types.node(function.result).shape else { return false };
        self.types.function(target).is_some()
    }

    /// What `print` prints one level further in; an ellipsis beyond [`MAX_NESTING`].
    fn inner(&mut self, print: impl FnOnce(&mut Self) -> String) -> String {
        if self.depth >= MAX_NESTING {
            return "/* ... */".to_owned();
        }
        self.depth += 1;
        let text = print(self);
        self.depth -= 1;
        text
    }

    /// A struct or union by its tag; with its members where it has no tag or `define` asks for them.
    fn record(&mut self, id: RecordId, define: bool) -> String {
        let record = self.types.record(id);
        let keyword = match record.kind {
            RecordKind::Struct => "struct",
            RecordKind::Union => "union",
        };
        let tag = record.tag.as_deref().unwrap_or("");
        match &record.body {
            Some(body) if define || record.tag.is_none() => {
                let head = join(&join(keyword, &record_attributes(body)), tag);
                let mut members = self.inner(|printer| {
                    body.members.iter().map(|member| format!(" {};", printer.member(member))).collect()
                });
                // What counts is the packing in force at the closing brace.
                if body.pack != self.pack {
                    let pack = body.pack.map_or(String::new(), |pack| pack.to_string());
                    let _ = write!(members, "\n#pragma pack({pack})\n");
                    (self.pack, self.packs) = (body.pack, true);
                }
                format!("{head} {{{members} }}")
            }
            _ => join(keyword, tag),
        }
    }

    fn member(&mut self, member: &MemberNode) -> String {
        let name = member.name.as_deref().unwrap_or("");
        let mut text = self.declare(member.ty, name.to_owned());
        if let Some(bits) = member.bits {
            text.push_str(if member.name.is_some() { ":" } else { " :" });
            let _ = write!(text, "{bits}");
        }
        if member.packed {
            text.push_str(" __attribute__((packed))");
        }
        if let Some(align) = member.align {
            let _ = write!(text, " __attribute__((aligned({align})))");
        }
        text
    }

    /// An enum by its tag; with its constants where it has no tag or `define` asks for them.
    fn enumeration(&self, id: EnumId, define: bool) -> String {
        let enumeration = self.types.enumeration(id);
        let tag = enumeration.tag.as_deref().unwrap_or("");
        match &enumeration.body {
            Some(body) if define || enumeration.tag.is_none() => {
                let attribute = if body.packed { "__attribute__((packed))" } else { "" };
                let mut head = join(&join("enum", attribute), tag);
                if body.fixed {
                    let _ = write!(head, " : {}", body.underlying.spelling());
                }
                format!("{head} {{ {} }}", constants(body))
            }
            _ => join("enum", tag),
        }
    }
}

fn constants(body: &EnumBody) -> String {
    let constants: Vec<_> =
        body.constants.iter().map(|(name, value)| format!("{name} = {}", constant(*value))).collect();
    constants.join(", ")
}

/// A constant as C can write it: the least `long long` is no literal of its own.
fn constant(value: i128) -> String {
    if value == i128::from(i64::MIN) {
        return format!("({} - 1)", value + 1);
    }
    if value > i128::from(i64::MAX) { format!("{value}u") } else { value.to_string() }
}

fn record_attributes(body: &RecordBody) -> String {
    let mut words = Vec::new();
    if body.packed {
        words.push("packed".to_owned());
    }
    if let Some(align) = body.align {
        words.push(format!("aligned({align})"));
    }
    match body.bit_fields {
        Some(BitFieldRule::Gnu) => words.push("gcc_struct".to_owned()),
        Some(BitFieldRule::Msvc) => words.push("ms_struct".to_owned()),
        None => {}
    }
    if let Some(order) = body.order {
        words.push(format!("scalar_storage_order(\"{}\")", order.spelling()));
    }
    if words.is_empty() { String::new() } else { format!("__attribute__(({}))", words.join(", ")) }
}
