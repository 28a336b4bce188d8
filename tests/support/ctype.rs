//! C types as trees: each can print itself as C declarations, be laid out by arch, and name its scalars in C.

use callsmith_arch::layout::{
    BitFieldRule, DataModel, Float, IntName, Member, Record, RecordAttrs, RecordKind, RecordRule, Scalar,
    Type, Vector,
};
use callsmith_arch::{Align, Error};
use std::fmt::Write as _;

/// A scalar as C spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CScalar {
    Bool,
    Char,
    SChar,
    UChar,
    Short,
    UShort,
    Int,
    UInt,
    Long,
    ULong,
    LongLong,
    ULongLong,
    Int128,
    UInt128,
    WChar,
    SizeT,
    PtrDiff,
    /// An enumeration with a negative constant.
    SignedEnum,
    /// An enumeration without.
    UnsignedEnum,
    Float16,
    Float,
    Double,
    LongDouble,
    Float128,
    VoidPointer,
    FunctionPointer,
}

/// A C type.
#[derive(Clone, Debug)]
pub(crate) enum CType {
    Scalar(CScalar),
    Complex(CScalar),
    Vector {
        lane: CScalar,
        bytes: u32,
    },
    /// Without a length: a flexible array member.
    Array {
        element: Box<CType>,
        len: Option<u64>,
    },
    Record(Box<CRecord>),
}

/// A struct or union.
#[derive(Clone, Debug)]
pub(crate) struct CRecord {
    /// Makes its tag, different from those of the other records in the same tree.
    pub(crate) id: u32,
    pub(crate) is_union: bool,
    pub(crate) packed: bool,
    pub(crate) align: Option<u32>,
    /// The `#pragma pack` in force. That of an anonymous member is its parent's.
    pub(crate) pack: Option<u32>,
    /// `gcc_struct` or `ms_struct`.
    pub(crate) bit_fields: Option<BitFieldRule>,
    pub(crate) members: Vec<CMember>,
}

/// A member.
#[derive(Clone, Debug)]
pub(crate) struct CMember {
    /// Without a name: a bit-field that is only padding, or an anonymous record.
    pub(crate) name: Option<String>,
    pub(crate) ty: CType,
    pub(crate) bits: Option<u32>,
    pub(crate) packed: bool,
    pub(crate) align: Option<u32>,
}

/// A scalar inside a type, and how C names it.
#[derive(Clone, Debug)]
pub(crate) struct CLeaf {
    /// The path to the member or element that is or holds the scalar, such as `a[2].b`; empty for the type itself.
    pub(crate) path: String,
    pub(crate) scalar: CScalar,
    /// Which lane of a vector, or part of a complex number, it is.
    pub(crate) part: Part,
    pub(crate) bits: Option<u32>,
}

/// Which part of what a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Real,
    Imaginary,
    Lane(u32),
}

impl CScalar {
    pub(crate) const ALL: &[CScalar] = &[
        CScalar::Bool,
        CScalar::Char,
        CScalar::SChar,
        CScalar::UChar,
        CScalar::Short,
        CScalar::UShort,
        CScalar::Int,
        CScalar::UInt,
        CScalar::Long,
        CScalar::ULong,
        CScalar::LongLong,
        CScalar::ULongLong,
        CScalar::Int128,
        CScalar::UInt128,
        CScalar::WChar,
        CScalar::SizeT,
        CScalar::PtrDiff,
        CScalar::SignedEnum,
        CScalar::UnsignedEnum,
        CScalar::Float16,
        CScalar::Float,
        CScalar::Double,
        CScalar::LongDouble,
        CScalar::Float128,
        CScalar::VoidPointer,
        CScalar::FunctionPointer,
    ];

    /// Its name, some of them declared by [`prelude`].
    pub(crate) fn spelling(self) -> &'static str {
        match self {
            CScalar::Bool => "_Bool",
            CScalar::Char => "char",
            CScalar::SChar => "signed char",
            CScalar::UChar => "unsigned char",
            CScalar::Short => "short",
            CScalar::UShort => "unsigned short",
            CScalar::Int => "int",
            CScalar::UInt => "unsigned int",
            CScalar::Long => "long",
            CScalar::ULong => "unsigned long",
            CScalar::LongLong => "long long",
            CScalar::ULongLong => "unsigned long long",
            CScalar::Int128 => "__int128",
            CScalar::UInt128 => "unsigned __int128",
            CScalar::WChar => "__WCHAR_TYPE__",
            CScalar::SizeT => "__SIZE_TYPE__",
            CScalar::PtrDiff => "__PTRDIFF_TYPE__",
            CScalar::SignedEnum => "enum signed_enum",
            CScalar::UnsignedEnum => "enum unsigned_enum",
            CScalar::Float16 => "_Float16",
            CScalar::Float => "float",
            CScalar::Double => "double",
            CScalar::LongDouble => "long double",
            CScalar::Float128 => "_Float128",
            CScalar::VoidPointer => "void *",
            CScalar::FunctionPointer => "function_pointer",
        }
    }

    /// What it is under a data model.
    pub(crate) fn scalar(self, model: &DataModel) -> Scalar {
        match self {
            CScalar::Bool => Scalar::Bool,
            CScalar::Char => model.int(IntName::Char),
            CScalar::SChar => Scalar::I8,
            CScalar::UChar => Scalar::U8,
            CScalar::Short => Scalar::I16,
            CScalar::UShort => Scalar::U16,
            CScalar::Int | CScalar::SignedEnum => Scalar::I32,
            CScalar::UInt => Scalar::U32,
            CScalar::Long => model.int(IntName::Long),
            CScalar::ULong => model.int(IntName::ULong),
            CScalar::LongLong => Scalar::I64,
            CScalar::ULongLong => Scalar::U64,
            CScalar::Int128 => Scalar::I128,
            CScalar::UInt128 => Scalar::U128,
            CScalar::WChar => model.int(IntName::WChar),
            CScalar::SizeT => model.int(IntName::SizeT),
            CScalar::PtrDiff => model.int(IntName::PtrDiff),
            CScalar::UnsignedEnum => match model.records {
                RecordRule::Gnu | RecordRule::Apple => Scalar::U32,
                RecordRule::Msvc => Scalar::I32,
            },
            CScalar::Float16 => Scalar::Float(Float::F16),
            CScalar::Float => Scalar::Float(Float::F32),
            CScalar::Double => Scalar::Float(Float::F64),
            CScalar::LongDouble => Scalar::Float(model.long_double),
            CScalar::Float128 => Scalar::Float(Float::F128),
            CScalar::VoidPointer | CScalar::FunctionPointer => Scalar::Pointer,
        }
    }
}

/// Lanes that vectors are made of here.
pub(crate) const LANES: &[CScalar] =
    &[CScalar::SChar, CScalar::UShort, CScalar::Int, CScalar::ULongLong, CScalar::Float, CScalar::Double];

/// Sizes of vectors in bytes.
pub(crate) const VECTOR_SIZES: &[u32] = &[8, 16, 32, 64];

/// What the declarations of [`CType::declare`] need before them.
pub(crate) fn prelude(model: &DataModel) -> String {
    let mut out = String::from(
        "enum signed_enum { NEGATIVE = -1, POSITIVE = 1 };\n\
         enum unsigned_enum { ZERO, ONE };\n\
         typedef void (*function_pointer)(void);\n",
    );
    for &bytes in VECTOR_SIZES {
        for &lane in LANES {
            // Microsoft's own vector types are declared with an alignment: `__declspec(align(16)) __m128`.
            let align = model.vector_align.bytes().min(u64::from(bytes));
            let required = match model.records {
                RecordRule::Gnu | RecordRule::Apple => String::new(),
                RecordRule::Msvc => format!(", aligned({align})"),
            };
            let name = vector_name(lane, bytes);
            let lane = lane.spelling();
            let _ = writeln!(out, "typedef {lane} {name} __attribute__((vector_size({bytes}){required}));");
        }
    }
    out
}

fn vector_name(lane: CScalar, bytes: u32) -> String {
    format!("vector{bytes}_{}", lane.spelling().replace(' ', "_"))
}

impl CType {
    /// Prints what must be declared before the type can be named. `prefix` makes its tags differ from other trees'.
    pub(crate) fn declare(&self, prefix: &str, out: &mut String) {
        match self {
            CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } => {}
            CType::Array { element, .. } => element.declare(prefix, out),
            CType::Record(record) => record.declare(prefix, out),
        }
    }

    /// A declaration of `name` with this type, without the semicolon; with an empty name, the type's name.
    pub(crate) fn declarator(&self, prefix: &str, name: &str) -> String {
        match self {
            CType::Scalar(scalar) => format!("{} {name}", scalar.spelling()),
            CType::Complex(part) => format!("_Complex {} {name}", part.spelling()),
            CType::Vector { lane, bytes } => format!("{} {name}", vector_name(*lane, *bytes)),
            CType::Array { element, len: Some(len) } => element.declarator(prefix, &format!("{name}[{len}]")),
            CType::Array { element, len: None } => element.declarator(prefix, &format!("{name}[]")),
            CType::Record(record) => format!("{} {name}", record.tag(prefix)),
        }
    }

    /// The type as arch lays it out.
    pub(crate) fn lower(&self, model: &DataModel) -> Result<Type, Error> {
        match self {
            CType::Scalar(scalar) => Ok(Type::Scalar(scalar.scalar(model))),
            CType::Complex(part) => match part.scalar(model) {
                Scalar::Float(float) => Ok(Type::Complex(float)),
                other => panic!("{other:?} has no complex type"),
            },
            CType::Vector { lane, bytes } => Vector::new(lane.scalar(model), *bytes).map(Type::Vector),
            CType::Array { element, len } => Type::array(element.lower(model)?, len.unwrap_or(0), model),
            CType::Record(record) => record.lower(model).map(Type::from),
        }
    }

    /// Its scalars in the order of arch's `for_each_leaf`.
    pub(crate) fn leaves(&self) -> Vec<CLeaf> {
        let mut leaves = Vec::new();
        self.collect_leaves(String::new(), None, &mut leaves);
        leaves
    }

    fn collect_leaves(&self, path: String, bits: Option<u32>, out: &mut Vec<CLeaf>) {
        let mut push = |scalar, part| out.push(CLeaf { path: path.clone(), scalar, part, bits });
        match self {
            CType::Scalar(scalar) => push(*scalar, Part::Whole),
            CType::Complex(part) => {
                push(*part, Part::Real);
                push(*part, Part::Imaginary);
            }
            CType::Vector { lane, bytes } => {
                // Lanes are of one size under every data model.
                let size = DataModel::LP64.size_of(lane.scalar(&DataModel::LP64)).bytes();
                let lanes = u64::from(*bytes) / size;
                (0..u32::try_from(lanes).expect("few"))
                    .for_each(|lane_number| push(*lane, Part::Lane(lane_number)));
            }
            CType::Array { element, len } => {
                for index in 0..len.unwrap_or(0) {
                    element.collect_leaves(format!("{path}[{index}]"), None, out);
                }
            }
            CType::Record(record) => {
                for member in &record.members {
                    let path = match &member.name {
                        Some(name) if path.is_empty() => name.clone(),
                        Some(name) => format!("{path}.{name}"),
                        None if member.bits.is_some() => continue,
                        None => path.clone(),
                    };
                    member.ty.collect_leaves(path, member.bits, out);
                }
            }
        }
    }
}

impl CRecord {
    /// `struct` or `union` with its tag.
    pub(crate) fn tag(&self, prefix: &str) -> String {
        format!("{} {prefix}_{}", self.keyword(), self.id)
    }

    fn keyword(&self) -> &'static str {
        if self.is_union { "union" } else { "struct" }
    }

    fn declare(&self, prefix: &str, out: &mut String) {
        self.declare_members(prefix, out);
        if let Some(pack) = self.pack {
            let _ = writeln!(out, "#pragma pack(push, {pack})");
        }
        out.push_str(&self.definition(prefix, &format!("{prefix}_{}", self.id)));
        out.push_str(";\n");
        if self.pack.is_some() {
            out.push_str("#pragma pack(pop)\n");
        }
    }

    /// Declares the types of the members, those inside anonymous members too.
    fn declare_members(&self, prefix: &str, out: &mut String) {
        for member in &self.members {
            match (&member.name, &member.ty) {
                (None, CType::Record(anonymous)) => anonymous.declare_members(prefix, out),
                (_, ty) => ty.declare(prefix, out),
            }
        }
    }

    fn definition(&self, prefix: &str, tag: &str) -> String {
        let rule = self.bit_fields.map(|rule| match rule {
            BitFieldRule::Gnu => "gcc_struct",
            BitFieldRule::Msvc => "ms_struct",
        });
        let attributes = attributes(self.packed, self.align, rule);
        let mut out = format!("{}{attributes} {tag} {{", self.keyword());
        for member in &self.members {
            let declared = match (&member.name, &member.ty) {
                (None, CType::Record(anonymous)) => anonymous.definition(prefix, ""),
                (name, ty) => ty.declarator(prefix, name.as_deref().unwrap_or("")),
            };
            let bits = member.bits.map(|bits| format!(" : {bits}")).unwrap_or_default();
            let _ = write!(out, " {declared}{bits}{};", attributes_of(member));
        }
        out.push_str(" }");
        out
    }

    fn lower(&self, model: &DataModel) -> Result<Record, Error> {
        let attrs = RecordAttrs {
            kind: if self.is_union { RecordKind::Union } else { RecordKind::Struct },
            packed: self.packed,
            align: self.align.map(align),
            pack: self.pack.map(align),
            bit_fields: self.bit_fields,
        };
        let members = self.members.iter().map(|member| {
            Ok(Member {
                ty: member.ty.lower(model)?,
                bits: member.bits,
                padding: member.name.is_none() && member.bits.is_some(),
                packed: member.packed,
                align: member.align.map(align),
            })
        });
        Record::new(model, attrs, &members.collect::<Result<Vec<_>, Error>>()?)
    }
}

fn align(bytes: u32) -> Align {
    Align::new(u64::from(bytes)).expect("the generator's alignments are powers of two")
}

fn attributes_of(member: &CMember) -> String {
    attributes(member.packed, member.align, None)
}

fn attributes(packed: bool, align: Option<u32>, rule: Option<&str>) -> String {
    let align = align.map(|bytes| format!("aligned({bytes})"));
    let words: Vec<&str> =
        packed.then_some("packed").into_iter().chain(align.as_deref()).chain(rule).collect();
    if words.is_empty() { String::new() } else { format!(" __attribute__(({}))", words.join(", ")) }
}
