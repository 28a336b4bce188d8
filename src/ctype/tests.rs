use super::*;
use crate::decl::parse_type;
use callsmith_arch::layout::{BitFieldRule, Place, RecordKind};

const LP64: &DataModel = &DataModel::LP64;

fn ty(text: &str) -> CType {
    parse_type(text, LP64).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn types_are_shared_by_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<CType>();
    shared::<Prototype>();
    shared::<RecordType>();
    shared::<EnumType>();
}

#[test]
fn built_and_declared_types_are_the_same() {
    let node = RecordBuilder::new(RecordKind::Struct, Some("node"));
    let next = CType::pointer_to(&node.this());
    let node = node
        .member("value", &CType::int().constant())
        .bit_field("flags", &CType::uint(), 3)
        .padding_bits(&CType::uint(), 0)
        .member("name", &CType::array_of(&CType::char(), 8))
        .align_member(Align::of(4))
        .member("next", &next)
        .packed()
        .align(Align::of(2))
        .build();
    let declared = ty("struct node { const int value; unsigned flags : 3, : 0; _Alignas(4) char name[8];\
                       struct node *next; } __attribute__((packed, aligned(2)));");
    assert!(node.is_compatible_with(&declared));
    assert!(declared.is_compatible_with(&node));
    assert_eq!(node.definition(), declared.definition());
    assert_eq!(node.lower(LP64), declared.lower(LP64));
    let Kind::Record(record) = node.kind() else { panic!("{node}") };
    let Some(Kind::Pointer(target)) = record.members().last().map(|member| member.ty.kind()) else {
        panic!("no pointer at the end")
    };
    assert!(matches!(target.kind(), Kind::Record(record) if record.is_complete()));

    let handler = CType::function_of(&CType::void(), [("signal", CType::int())]);
    let signal =
        CType::function_of(&CType::pointer_to(&handler), [("number", CType::int()), ("handler", handler)]);
    assert_eq!(
        signal.declare("signal"),
        "void (*signal(int number, void (*handler)(int signal)))(int signal)"
    );
    let flexible = RecordBuilder::new(RecordKind::Union, None)
        .member("all", &CType::flexible_array_of(&CType::double()))
        .anonymous(&RecordBuilder::new(RecordKind::Struct, None).member("x", &CType::float()).build())
        .pack(Align::of(2))
        .bit_field_rule(BitFieldRule::Msvc)
        .build();
    let text = "union __attribute__((ms_struct)) { double all[]; struct { float x; };\n#pragma pack(2)\n }";
    assert_eq!(flexible.to_string(), text);
    assert_eq!(flexible.definition(), format!("#pragma pack(push)\n{text};\n#pragma pack(pop)\n"));
    assert!(ty(&flexible.to_string()).is_compatible_with(&flexible));
}

#[test]
fn compatibility_is_that_of_c() {
    for (a, b, same) in [
        ("int", "signed", true),
        ("int", "long", false),
        ("char", "signed char", false),
        ("typedef int word; word *", "int *", true),
        ("const int *", "int *", false),
        ("char **__null_terminated", "char *__null_terminated *", true),
        ("int *__counted_by(3)", "int *", true),
        ("int (*)(const int)", "int (*)(int)", true),
        ("int (*)(const int *)", "int (*)(int *)", false),
        ("int (*)()", "int (*)(double)", true),
        ("int (*)(int, ...)", "int (*)(int)", false),
        ("int (*)[3]", "int (*)[]", true),
        ("int (*)[3]", "int (*)[4]", false),
        ("struct a *", "struct b *", false),
        ("struct a *", "union a *", false),
        ("struct a *", "struct a { int x; } *", true),
        ("struct a { int x; }", "struct a { int y; }", false),
        ("struct { int x; } *", "struct { int x; } *", true),
        ("struct a { struct a *next; }", "struct a { struct a *next; }", true),
        ("struct a { struct a *next; int x; }", "struct a { struct a *next; long x; }", false),
        ("enum a { X }", "enum a { X = 0 }", true),
        ("enum a { X }", "enum a { X = 1 }", false),
        ("int (__stdcall *)(void)", "int (*)(void)", false),
        ("const int[3]", "typedef int row[3]; const row", true),
    ] {
        assert_eq!(ty(a).is_compatible_with(&ty(b)), same, "{a} and {b}");
        assert_eq!(ty(b).is_compatible_with(&ty(a)), same, "{b} and {a}");
    }
}

#[test]
fn fields_have_names_and_places() {
    let ty = ty("struct s { char c; int a : 3, : 0, b : 5; struct { short x, y; }; double d[]; };");
    let fields = ty.fields(LP64).unwrap().unwrap();
    let seen: Vec<_> = fields.iter().map(|f| (f.name.as_deref(), f.ty.to_string(), f.place)).collect();
    let bits = |first, width| Place::Bits { first, width };
    let bytes = |offset| Place::Bytes(Size::of(offset));
    // Offsets as GCC's `__builtin_offsetof` and a memory dump of the bit-fields give them.
    assert_eq!(
        seen,
        [
            (Some("c"), "char".to_owned(), bytes(0)),
            (Some("a"), "int".to_owned(), bits(8, 3)),
            (Some("b"), "int".to_owned(), bits(32, 5)),
            (None, "struct { short x; short y; }".to_owned(), bytes(6)),
            (Some("d"), "double[]".to_owned(), bytes(16)),
        ]
    );
    assert_eq!(CType::int().fields(LP64).unwrap().map(|fields| fields.len()), None);
}

#[test]
fn what_has_no_layout_says_why() {
    for (text, says) in [
        ("struct s", "'struct s' is incomplete"),
        ("enum e", "'enum e' is not defined"),
        ("int (void)", "has no value"),
        ("int[]", "has no length"),
        ("va_list", "cannot be passed by value"),
        ("int __attribute__((vector_size(12)))", "vector of 12 bytes"),
    ] {
        let error = ty(text).lower(LP64).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let wide = parse_type("__int128", &DataModel::ILP32_GNU).unwrap();
    assert!(wide.lower(&DataModel::ILP32_GNU).unwrap_err().to_string().contains("ILP32-gnu"));
    assert_eq!(CType::void().lower(LP64), Ok(None));
}

#[test]
fn deep_types_built_in_rust_do_not_overflow_the_stack() {
    let mut pointer = CType::int();
    let mut function = CType::int();
    let mut array = CType::int();
    // Miri takes long over each.
    let depth = if cfg!(miri) { 70 } else { 300 };
    for _ in 0..depth {
        pointer = CType::pointer_to(&pointer);
        function = CType::function_of(&CType::void(), [("", function)]);
        array = CType::array_of(&array, 1);
    }
    assert_eq!(pointer.to_string(), format!("int {}", "*".repeat(depth)));
    assert!(pointer.is_compatible_with(&pointer.clone()));
    assert!(function.to_string().contains("..."));
    assert!(array.lower(LP64).is_err());
}

#[test]
fn content_is_the_same_for_the_same_text_and_no_other() {
    let texts = [
        "int",
        "const int",
        "unsigned",
        "int *",
        "int *const",
        "int *__counted_by(3)",
        "int *__counted_by(4)",
        "int[3]",
        "int[4]",
        "int[]",
        "struct s",
        "union s",
        "struct s { int a; }",
        "struct s { int b; }",
        "struct { int a; }",
        "struct s { const int a; }",
        "struct s { int a; } __attribute__((packed))",
        "struct s { int a __attribute__((packed)); }",
        "struct s { int a; } __attribute__((aligned(8)))",
        "struct s { int a : 3; }",
        "struct s { int a : 3, : 0; }",
        "struct s { struct s *a; }",
        "struct s { struct t { int x; } a; struct t b; }",
        "struct s { struct t { int x; } a; struct { int x; } b; }",
        "enum { A }",
        "enum e { A }",
        "enum e { A = 1 }",
        "enum e { B }",
        "float _Complex",
        "float",
        "float __attribute__((vector_size(8)))",
        "float __attribute__((vector_size(16)))",
        "int (*)(void)",
        "int (*)()",
        "int (*)(int)",
        "int (*)(int a)",
        "int (*)(int, ...)",
        "int (*)(int, int)",
        "void (*)(int)",
        "size_t",
        "unsigned long",
    ];
    let contents = || texts.map(|text| (text, ty(text).content()));
    let (first, second) = (contents(), contents());
    for (a, content) in &first {
        for (b, other) in &second {
            assert_eq!(content == other, a == b, "{a} and {b}");
        }
    }
}
