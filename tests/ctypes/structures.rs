//! "Structures and unions", "Structure/union layout, alignment and byte order", "Bit fields", "Incomplete Types".

use callsmith::arch::layout::{BitFieldRule, RecordKind};
use callsmith::arch::{Align, Size};
use callsmith::ctype::{ByteOrder, CType, Field, RecordBuilder};
use callsmith::{Data, Error, Value, View, ViewMut, decl, host};

pub(crate) fn ty(text: &str) -> CType {
    decl::parse_type(text, host::MODEL).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn structure(tag: &str) -> RecordBuilder {
    RecordBuilder::new(RecordKind::Struct, Some(tag))
}

fn point() -> CType {
    structure("POINT").member("x", &CType::int()).member("y", &CType::int()).build()
}

fn rect() -> CType {
    structure("RECT").member("upperleft", &point()).member("lowerright", &point()).build()
}

fn field(ctype: &CType, name: &str) -> Field {
    let fields = ctype.fields(host::MODEL).expect("a layout").expect("a record");
    fields.into_iter().find(|field| field.name.as_deref() == Some(name)).expect(name)
}

/// A field's offset, size, bit offset and bit size.
fn places(field: &Field) -> (u64, u64, u64, u64) {
    let bytes = |size: Result<Size, _>| size.expect("a place").bytes();
    let bits = |bits: Result<u64, _>| bits.expect("a place");
    (
        bytes(field.offset(host::MODEL)),
        bytes(field.size(host::MODEL)),
        bits(field.bit_offset(host::MODEL)),
        bits(field.bit_size(host::MODEL)),
    )
}

#[test]
fn a_point_is_initialised_by_position_and_by_name() -> Result<(), Error> {
    let point = Data::with(&point(), [10, 20])?;
    assert_eq!((point.get("x")?, point.get("y")?), (Value::I32(10), Value::I32(20)));
    let mut by_name = Data::new(point.ctype())?;
    by_name.set("y", 5)?;
    assert_eq!(by_name.to_string(), "{.x = 0, .y = 5}");
    let error = Data::with(point.ctype(), [1, 2, 3]).expect_err("one too many").to_string();
    assert_eq!(error, "struct POINT: too many initialisers: 3 given, it has 2");
    // Python would make a new attribute of an unknown name.
    let error = by_name.set("z", 1).expect_err("no such member").to_string();
    assert_eq!(error, "struct POINT has no member 'z'");
    Ok(())
}

#[test]
fn a_rect_holds_points() -> Result<(), Error> {
    let point = Data::with(&point(), [0, 5])?;
    let rect = Data::with(&rect(), [point])?;
    assert_eq!((rect.get("upperleft.x")?, rect.get("upperleft.y")?), (0.into(), 5.into()));
    assert_eq!((rect.get("lowerright.x")?, rect.get("lowerright.y")?), (0.into(), 0.into()));
    let corner = |x, y| Data::with(&self::point(), [x, y]);
    let rect = Data::with(rect.ctype(), [corner(1, 2)?, corner(3, 4)?])?;
    assert_eq!(rect.to_string(), "{.upperleft = {.x = 1, .y = 2}, .lowerright = {.x = 3, .y = 4}}");
    Ok(())
}

/// `<ctypes.CField 'x' type=c_int, ofs=0, size=4>`
#[test]
fn fields_tell_type_offset_and_size() {
    let (x, y) = (field(&point(), "x"), field(&point(), "y"));
    assert_eq!((x.ty.to_string().as_str(), places(&x)), ("int", (0, 4, 0, 32)));
    assert_eq!((y.ty.to_string().as_str(), places(&y)), ("int", (4, 4, 0, 32)));
    assert!(!x.is_bit_field() && !x.is_anonymous());
    assert_eq!(point().size(host::MODEL).map(Size::bytes), Ok(8));
    assert_eq!(point().align(host::MODEL).map(Align::bytes), Ok(4));
}

/// `<ctypes.CField 'second_16' type=c_int, ofs=0, bit_size=16, bit_offset=16>`
#[test]
fn bit_fields_tell_their_bits() -> Result<(), Error> {
    let int =
        structure("Int").bit_field("first_16", &CType::int(), 16).bit_field("second_16", &CType::int(), 16);
    let int = int.build();
    assert_eq!(places(&field(&int, "first_16")), (0, 4, 0, 16));
    assert_eq!(places(&field(&int, "second_16")), (0, 4, 16, 16));
    assert!(field(&int, "second_16").is_bit_field());
    let mut value = Data::with(&int, [-1, 2])?;
    assert_eq!(value.bytes(), [0xff, 0xff, 2, 0]);
    let error = value.set("first_16", 1 << 15).expect_err("too large").to_string();
    assert_eq!(error, "wanted int, given 32768 (i32): 16 bits hold -32768 to 32767");
    Ok(())
}

/// The `Color` of the reference: `red` and `green` of 5 bits, `blue` of 6, and `a` and `b` of the whole.
#[test]
fn fields_in_a_union_of_bits_and_bytes() -> Result<(), Error> {
    let color = ty(
        "struct Color { unsigned char intensity; struct { unsigned short red:5, green:5, blue:6; }; char *name; }",
    );
    let fields = color.fields(host::MODEL).expect("a layout").expect("a record");
    assert!(fields[1].is_anonymous());
    assert_eq!(places(&fields[1]), (2, 2, 0, 16));
    assert_eq!(places(&field(&fields[1].ty, "green")), (0, 2, 5, 5));
    assert_eq!(places(&field(&fields[1].ty, "blue")), (0, 2, 10, 6));
    let mut value = Data::new(&color)?;
    value.set("blue", 63)?;
    assert_eq!(value.bytes()[2..4], [0, 0xfc]);
    Ok(())
}

/// The size of two pointers, in bytes.
const POINTERS: u64 = 2 * size_of::<usize>() as u64;

/// `td.lptdesc` and `td.u.lptdesc` are one in ctypes. In C a union has a name or none, and the way is one or the other, to
/// the same place.
#[test]
fn members_of_an_unnamed_union_are_the_structs_own() -> Result<(), Error> {
    let members = "{ struct TYPEDESC *lptdesc; struct ARRAYDESC *lpadesc; unsigned hreftype; }";
    let named = ty(&format!("struct TYPEDESC {{ union U {members} u; unsigned short vt; }}"));
    let declared = ty(&format!("struct TYPEDESC {{ union {members}; unsigned short vt; }}"));
    let union = ty(&format!("union {members}"));
    let built = structure("TYPEDESC").anonymous(&union).member("vt", &ty("unsigned short")).build();
    assert!(built.is_compatible_with(&declared) && !built.is_compatible_with(&named));
    let mut long = Data::new(&named)?;
    long.set("u.hreftype", 7)?;
    long.set("vt", 9)?;
    assert!(long.set("hreftype", 7).is_err());
    for ctype in [&declared, &built] {
        assert_eq!(ctype.size(host::MODEL).map(Size::bytes), Ok(POINTERS));
        let mut short = Data::new(ctype)?;
        short.set("hreftype", 7)?;
        short.set("vt", 9)?;
        assert_eq!((short.get("hreftype")?, short.bytes()), (Value::U32(7), long.bytes()));
    }
    let mut value = Data::new(&built)?;
    value.set("hreftype", 7)?;
    let error = value.get("lptdesc").expect_err("a number, not a pointer").to_string();
    assert!(error.contains("may be any number"), "{error}");
    Ok(())
}

#[test]
fn a_list_refers_to_itself() -> Result<(), Error> {
    let list = structure("List");
    let next = CType::pointer_to(&list.this());
    let list = list.member("next", &next).member("item", &CType::int()).build();
    assert_eq!(list.definition(), "struct List { struct List *next; int item; };");
    assert_eq!(
        list.path("next").and_then(|next| next.pointee()?.path("item")).map(|ty| ty.to_string()).as_deref(),
        Some("int")
    );
    assert_eq!(list.size(host::MODEL).map(Size::bytes), Ok(POINTERS));
    Ok(())
}

#[test]
fn an_incomplete_type_is_completed_later() {
    let holder = ty("struct holder { struct cell *first; int count; }");
    let cell = || holder.path("first").and_then(|ty| ty.pointee()).expect("a pointer");
    assert!(cell().size(host::MODEL).is_err());
    let definition = ty("struct cell { char *name; struct cell *next; }");
    let holder = holder.completed_by(&definition);
    let cell = holder.path("first").and_then(|ty| ty.pointee()).expect("a pointer");
    assert_eq!(cell.size(host::MODEL).map(Size::bytes), Ok(POINTERS));
    // One that the builder handed out, with a definition that uses it.
    let builder = structure("node");
    let pair = structure("pair").member("left", &CType::pointer_to(&builder.this())).build();
    assert!(pair.path("left").and_then(|ty| ty.pointee()?.path("value")).is_none());
    let node = builder.member("value", &CType::double()).member("pair", &pair).build();
    let pair = pair.completed_by(&node);
    let value = pair.path("left").and_then(|ty| ty.pointee()?.path("value"));
    assert_eq!(value.map(|ty| ty.to_string()).as_deref(), Some("double"));
}

#[test]
fn a_struct_begins_with_another_in_place_of_inheritance() -> Result<(), Error> {
    let base = ty("struct { char kind; int size; }");
    let derived = structure("derived").anonymous(&base).member("tail", &CType::char()).build();
    let mut value = Data::new(&derived)?;
    value.set("size", 3)?;
    value.set("tail", 4)?;
    // The base keeps its padding, as ctypes has it.
    assert_eq!(value.bytes(), [0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
    Ok(())
}

/// The judge is rustc, whose `repr(C)` is C's layout on each target.
#[test]
fn pack_and_align_change_the_layout() {
    macro_rules! rust {
        ($($words:tt)*) => {{
            #[repr(C, $($words)*)]
            struct Members {
                c: std::ffi::c_char,
                d: f64,
            }
            (Ok(size_of::<Members>() as u64), Ok(align_of::<Members>() as u64))
        }};
    }
    let members =
        |builder: RecordBuilder| builder.member("c", &CType::char()).member("d", &CType::double()).build();
    let sizes =
        |ctype: CType| (ctype.size(host::MODEL).map(Size::bytes), ctype.align(host::MODEL).map(Align::bytes));
    assert_eq!(sizes(members(structure("plain"))), rust!());
    assert_eq!(sizes(members(structure("packed").pack(Align::of(2)))), rust!(packed(2)));
    assert_eq!(sizes(members(structure("one").packed())), rust!(packed));
    assert_eq!(sizes(members(structure("wide").align(Align::of(32)))), rust!(align(32)));
    // An alignment that is less than the members' has no effect.
    assert_eq!(sizes(members(structure("less").align(Align::of(2)))), rust!(align(2)));
}

/// ctypes' `_layout_`: `gcc-sysv` and `ms`, for each struct.
#[test]
fn both_layouts_of_bit_fields_can_be_had() {
    let build = |rule| {
        let builder = structure("s").bit_field_rule(rule);
        builder.bit_field("a", &CType::char(), 3).bit_field("b", &CType::int(), 4).build()
    };
    let (gnu, ms) = (build(BitFieldRule::Gnu), build(BitFieldRule::Msvc));
    assert_eq!((gnu.size(host::MODEL).map(Size::bytes), places(&field(&gnu, "b"))), (Ok(4), (0, 4, 3, 4)));
    assert_eq!((ms.size(host::MODEL).map(Size::bytes), places(&field(&ms, "b"))), (Ok(8), (4, 4, 0, 4)));
    assert_eq!(ms.definition(), "struct __attribute__((ms_struct)) s { char a:3; int b:4; };");
}

/// `_pack_` and `_align_` in both, as gcc has them.
#[test]
fn both_layouts_can_be_packed_and_aligned() -> Result<(), Error> {
    let members = "char a:3; int b:4; short c; double d; long long e:40;";
    let mut source = String::from("void *memset(void *, int, unsigned long long);");
    let mut types = Vec::new();
    // Where gcc has both.
    let both = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    for rule in if both { &["gcc_struct", "ms_struct"][..] } else { &["gcc_struct"] } {
        for (pack, align) in [(0, 0), (1, 0), (2, 0), (4, 16), (0, 32)] {
            let number = types.len();
            let align = if align > 0 { format!(", aligned({align})") } else { String::new() };
            let open =
                if pack > 0 { format!("\n#pragma pack({pack})\n") } else { "\n#pragma pack()\n".into() };
            let text = format!("{open}struct __attribute__(({rule}{align})) s{number} {{ {members} }};");
            source += &format!(
                "{text}\nint size{number}(void) {{ return sizeof(struct s{number}); }}
                 void fill{number}(struct s{number} *p) {{ p->b = -1; p->c = -1; p->e = -1; }}"
            );
            types.push(text);
        }
    }
    let Some(library) = crate::c::library(&source, &[]) else { return Ok(()) };
    for (number, text) in types.iter().enumerate() {
        let ctype = ty(text);
        // SAFETY: the functions above.
        let (size, fill) = unsafe {
            (
                library.function(&format!("int size{number}(void)"))?,
                library
                    .function(&format!("{text}\n#pragma pack()\nvoid fill{number}(struct s{number} *p)"))?,
            )
        };
        let mut theirs = Data::new(&ctype)?;
        assert_eq!(size.call::<_, usize>(())?, theirs.bytes().len(), "{text}");
        fill.call::<_, ()>((&mut theirs,))?;
        let mut ours = Data::new(&ctype)?;
        for member in ["b", "c", "e"] {
            ours.set(member, -1)?;
        }
        assert_eq!(ours, theirs, "{text}");
    }
    Ok(())
}

#[test]
fn a_flexible_array_has_what_memory_there_is() -> Result<(), Error> {
    let packet = ty("struct packet { int n; short items[]; }");
    let mut data = Data::new(&packet)?;
    assert_eq!(data.at("items")?.len(), 0);
    data.resize(10)?;
    assert_eq!(data.at("items")?.len(), 3);
    data.set("items[2]", 7)?;
    assert_eq!(data.bytes(), [0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
    assert!(data.set("items[3]", 7).is_err());
    assert_eq!(data.to_string(), "{.n = 0, .items = {0, 0, 7}}");
    let items: Vec<Value> = data.at("items")?.iter().map(|item| item.value()).collect::<Result<_, _>>()?;
    assert_eq!(items, [Value::I16(0), Value::I16(0), Value::I16(7)]);
    // Where something stands behind it, it has nothing: it would lie over that.
    let outer = ty("struct { struct packet { int n; short items[]; } p; long behind; }");
    let mut data = Data::new(&outer)?;
    data.resize(32)?;
    assert_eq!(data.at("p.items")?.len(), 0);
    Ok(())
}

const BIG_ENDIAN: &str = "struct __attribute__((scalar_storage_order(\"big-endian\"))) b { short s[3]; float f; _Bool b; \
    double _Complex z; unsigned n:3; int m:7; unsigned long long w:33; struct in { int x; } in; short grid[2][2]; \
    __int128 large; }";

#[test]
fn big_endian_structs_are_laid_out_as_gcc_has_them() -> Result<(), Error> {
    let big = if host::MODEL.int128 { "__int128" } else { "long long" };
    let big_endian = BIG_ENDIAN.replace("__int128", big);
    let source = format!(
        "{big_endian};
         void fill(struct b *p) {{ __builtin_memset(p, 0, sizeof *p); p->s[0] = 1; p->s[2] = -2; p->f = 1.5f; p->b = 1;
             p->z = 1.0 + 2.0i; p->n = 5; p->m = -3; p->w = 0x123456789ull; p->in.x = 9; p->grid[1][0] = 77;
             p->large = -3; }}
         int same(const struct b *a, const struct b *b) {{ return !__builtin_memcmp(a, b, sizeof *a); }}
         struct b turned(struct b v) {{ v.s[1] = v.s[0] + 1; return v; }}"
    );
    let Some(library) = crate::c::library(&source, &["-w"]) else { return Ok(()) };
    // SAFETY: the prototypes of the functions above.
    let (fill, same, turned) = unsafe {
        (
            library.function(&format!("void fill({big_endian} *p)"))?,
            library.function(&format!("int same(const {big_endian} *a, const struct b *b)"))?,
            library.function(&format!("{big_endian} turned(struct b v)"))?,
        )
    };
    let ctype = ty(&big_endian);
    let mut theirs = Data::new(&ctype)?;
    fill.call::<_, ()>((&mut theirs,))?;
    let mut ours = Data::new(&ctype)?;
    ours.set("s[0]", 1)?;
    ours.set("s[2]", -2)?;
    ours.set("f", 1.5)?;
    ours.set("b", true)?;
    ours.set("z[0]", 1.0)?;
    ours.set("z[1]", 2.0)?;
    ours.set("n", 5)?;
    ours.set("m", -3)?;
    ours.set("w", 0x1_2345_6789_u64)?;
    ours.set("in.x", 9)?;
    ours.set("grid[1][0]", 77)?;
    ours.set("large", -3)?;
    assert_eq!(ours.bytes(), theirs.bytes(), "{ours} and {theirs}");
    assert_eq!(ours.to_string(), theirs.to_string());
    assert_eq!(same.call::<_, i32>((&ours, &theirs))?, 1);
    for (path, value) in [("m", Value::I32(-3)), ("w", Value::U64(0x1_2345_6789)), ("s[2]", Value::I16(-2))] {
        assert_eq!(theirs.get(path)?, value, "{path}");
    }
    assert_eq!(theirs.get("grid")?.to_string(), "{{0, 0}, {77, 0}}");
    // An array goes in and out as a whole.
    let grid = theirs.get("grid")?;
    ours.set("grid", grid)?;
    assert_eq!(ours.bytes(), theirs.bytes());
    // By value, both ways.
    let Value::Data(back) = turned.call_values(&[ours.into()])? else { panic!("no struct") };
    assert_eq!(back.get("s[1]")?, Value::I16(2));
    Ok(())
}

/// In registers: which ones is as for the same members in the host's order.
#[test]
fn small_big_endian_structs_are_passed_as_gcc_has_it() -> Result<(), Error> {
    let big = "__attribute__((scalar_storage_order(\"big-endian\")))";
    let mixed = format!("struct {big} mixed {{ float f; short s; }}");
    let real = format!("struct {big} real {{ double d; float g[2]; }}");
    let source = format!(
        "{mixed}; {real};
         struct mixed mix(struct mixed v, int n) {{ v.f *= n; v.s += n; return v; }}
         struct real halve(double d, struct real v) {{ v.d += d; v.g[1] /= 2; return v; }}"
    );
    let Some(library) = crate::c::library(&source, &["-w"]) else { return Ok(()) };
    // SAFETY: the prototypes of the functions above.
    let (mix, halve) = unsafe {
        (
            library.function(&format!("{mixed} mix(struct mixed v, int n)"))?,
            library.function(&format!("{real} halve(double d, struct real v)"))?,
        )
    };
    let mut value = Data::new(&ty(&mixed))?;
    value.set("f", 1.5)?;
    value.set("s", -3)?;
    let result = mix.call_values(&[value.into(), 4.into()])?;
    assert_eq!(result.to_string(), "{.f = 6, .s = 1}");
    let mut value = Data::new(&ty(&real))?;
    value.set("d", 0.5)?;
    value.set("g[1]", 3.0)?;
    let result = halve.call_values(&[2.0.into(), value.into()])?;
    assert_eq!(result.to_string(), "{.d = 2.5, .g = {0, 1.5}}");
    Ok(())
}

#[test]
fn big_endian_structs_hold_no_pointers() {
    let refused = |text: &str| {
        ty(&text.replace("BE", "__attribute__((scalar_storage_order(\"big-endian\")))"))
            .size(host::MODEL)
            .expect_err(text)
            .to_string()
    };
    assert_eq!(refused("struct BE s { int *p; }"), "'struct s' is big-endian, and holds pointers");
    refused("union BE u { int n; struct { char *p[2]; } s; }");
    if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
        refused("struct BE s { long double x; }");
    }
    // The host's own order says nothing new.
    let little =
        structure("s").byte_order(ByteOrder::Little).member("p", &CType::pointer_to(&CType::int())).build();
    assert!(little.size(host::MODEL).is_ok());
    let big = structure("s").byte_order(ByteOrder::Big).member("n", &CType::int()).build();
    assert_eq!(
        big.definition(),
        "struct __attribute__((scalar_storage_order(\"big-endian\"))) s { int n; };"
    );
    assert!(!big.is_compatible_with(&ty("struct s { int n; }")));
    assert!(big.is_compatible_with(&ty(big.definition().trim_end_matches(';'))));
}

#[test]
fn big_endian_unions_too() -> Result<(), Error> {
    let union = ty(
        "union __attribute__((scalar_storage_order(\"big-endian\"))) u { int n; short s; unsigned bits:4; }",
    );
    let mut bytes = [0x12, 0x34, 0x56, 0x78];
    let mut view = ViewMut::of(&union, &mut bytes)?;
    assert_eq!(view.get("n")?, Value::I32(0x1234_5678));
    assert_eq!(view.get("s")?, Value::I16(0x1234));
    assert_eq!(view.get("bits")?, Value::U32(1));
    view.set("bits", 0xf)?;
    assert_eq!(view.get("n")?, Value::from(0xf234_5678_u32.cast_signed()));
    // Nothing takes it for a host's int.
    assert!(view.as_view().at("n")?.read::<i32>().is_err());
    Ok(())
}

#[test]
fn nothing_but_its_own_byte_order_is_assigned() -> Result<(), Error> {
    let big = ty("struct __attribute__((scalar_storage_order(\"big-endian\"))) { int n; }");
    let value = Data::with(&big, [1])?;
    let mut holder = Data::new(&ty("struct { struct { int n; } little; }"))?;
    let error = holder.set("little", value).expect_err("another order").to_string();
    assert!(error.contains("byte order"), "{error}");
    Ok(())
}

#[test]
fn structs_of_a_buffer_share_its_memory() -> Result<(), Error> {
    let mut buffer = [0u8; 12];
    let mut view = ViewMut::of(&point(), &mut buffer[4..])?;
    view.set("y", -1)?;
    assert_eq!(buffer, [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    let error = View::of(&point(), &buffer[5..]).expect_err("too small").to_string();
    assert_eq!(error, "wanted 8 bytes of struct POINT, given 7 bytes");
    // from_buffer_copy
    let mut copy = Data::from_bytes(&point(), &buffer[4..])?;
    copy.set("y", 5)?;
    assert_eq!(buffer[8..], [255; 4]);
    Ok(())
}
