//! Members of random types, written and read by their paths, against what gcc makes of `{ .path = value }`. In both byte
//! orders. Nothing that was compiled is run.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of types.

mod support;

use callsmith::ctype::CType;
use callsmith::{Data, LongDouble, Ptr, Value, decl, host};
use callsmith_arch::Size;
use callsmith_arch::layout::Scalar;
use support::compiler::Compiler;
use support::ctype::{CLeaf, CScalar, CType as Tree, Part, prelude};
use support::rng::Rng;
use support::typegen::TypeGen;

/// Types in one C file.
const BATCH: usize = 100;
/// Members of one type that are written.
const LEAVES: usize = 8;

/// A member that is written: its path here, and what is written, here and in C.
struct Write {
    path: String,
    value: Value,
    /// `.path = value`
    initialiser: String,
}

/// A type as C text, its name, and what is written to its members.
struct Case {
    declaration: String,
    name: String,
    writes: Vec<Write>,
}

/// An integer of `bits` bits, signed or not: here, and in C.
fn integer(rng: &mut Rng, bits: u32, signed: bool) -> (Value, String) {
    let raw = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let raw = raw >> (128 - bits);
    // Not every target has __int128, in which the larger ones are written.
    let spell = |high: String, low: u64, ty: &str| match bits {
        ..=64 => format!("{low:#x}{}", if ty.starts_with('u') { "ull" } else { "ll" }),
        _ => format!("(({ty}){high}ull << 64 | {low:#x}ull)"),
    };
    let low = |raw: u128| u64::try_from(raw & u128::from(u64::MAX)).expect("masked");
    let text = spell(format!("{:#x}", raw >> 64), low(raw), "unsigned __int128");
    let negative = signed && raw >> (bits - 1) == 1;
    match negative {
        // Minus what is missing from a power of two.
        true => {
            let rest = (!raw & (u128::MAX >> (128 - bits))).cast_signed();
            let rest_text = spell(format!("{:#x}", rest >> 64), low(rest.cast_unsigned()), "__int128");
            (Value::I128(-1 - rest), format!("(-1 - {rest_text})"))
        }
        false => (Value::U128(raw), text),
    }
}

/// What is written to a leaf; `None` where there is no value for it here.
fn write(rng: &mut Rng, leaf: &CLeaf) -> Option<Write> {
    let scalar = leaf.scalar.scalar(host::MODEL);
    let size = u32::try_from(host::MODEL.size_of(scalar).bytes()).expect("small");
    let half = f64::from(i32::try_from(rng.below(2000)).expect("small") - 1000) / 2.0;
    let (value, text) = match scalar {
        Scalar::Bool => (Value::Bool(true), "1".into()),
        Scalar::Pointer => {
            let address = std::ptr::without_provenance::<std::ffi::c_void>(0x1234_5678);
            // SAFETY: it is given to nobody.
            (Value::Pointer(unsafe { Ptr::new(address) }), "(void *)0x12345678".into())
        }
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128 => {
            integer(rng, leaf.bits.unwrap_or(8 * size), true)
        }
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 | Scalar::U128 => {
            integer(rng, leaf.bits.unwrap_or(8 * size), false)
        }
        Scalar::Float(_) => match leaf.scalar {
            CScalar::Float16 | CScalar::Float128 => return None,
            CScalar::LongDouble => (Value::LongDouble(LongDouble::from(half)), format!("{half:?}L")),
            _ => (Value::F64(half), format!("{half:?}")),
        },
    };
    let (path, text) = match leaf.part {
        Part::Whole => (leaf.path.clone(), text),
        Part::Real => (format!("{}[0]", leaf.path), text),
        Part::Imaginary => (format!("{}[1]", leaf.path), format!("0.0 + ({text}) * 1.0i")),
        Part::Lane(lane) => {
            let zeros = "0, ".repeat(lane.try_into().expect("few"));
            (format!("{}[{lane}]", leaf.path), format!("{{ {zeros}{text} }}"))
        }
    };
    Some(Write { path, value, initialiser: format!(".{} = {text}", leaf.path) })
}

/// The text with every struct and union that it defines made big-endian.
fn big_endian(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("struct").into_iter().chain(rest.find("union")).min() {
        let end = at + if rest[at..].starts_with("struct") { 6 } else { 5 };
        // Not that of `gcc_struct`.
        let word = at == 0 || rest[..at].ends_with([' ', '\n']);
        let defined = rest[end..].find(['{', ';']).is_some_and(|stop| rest[end + stop..].starts_with('{'));
        out.push_str(&rest[..end]);
        if word && defined {
            out.push_str(" __attribute__((scalar_storage_order(\"big-endian\")))");
        }
        rest = &rest[end..];
    }
    out + rest
}

/// Whether gcc and ctypes have such a type in the other byte order.
fn can_be_big_endian(tree: &Tree) -> bool {
    !tree.leaves().iter().any(|leaf| {
        matches!(leaf.scalar, CScalar::VoidPointer | CScalar::FunctionPointer | CScalar::LongDouble)
    })
}

fn case(rng: &mut Rng, tree: &Tree, index: usize, big: bool) -> Case {
    let prefix = format!("t{index}");
    let mut declaration = String::new();
    tree.declare(&prefix, &mut declaration);
    let name = tree.declarator(&prefix, "").trim().to_owned();
    let leaves = tree.leaves();
    let indices: Vec<usize> = (0..leaves.len()).collect();
    let some = (0..LEAVES.min(leaves.len())).filter_map(|_| {
        let index = rng.pick(&indices);
        write(rng, &leaves[index])
    });
    let writes = some.collect();
    Case { declaration: if big { big_endian(&declaration) } else { declaration }, name, writes }
}

/// Compares every write of the cases with gcc's.
fn judge(compiler: &Compiler, cases: &[Case]) {
    let mut source = prelude(host::MODEL);
    for (index, Case { declaration, name, writes }) in cases.iter().enumerate() {
        source += declaration;
        for (number, write) in writes.iter().enumerate() {
            // Also where all of it is zero.
            let section = "__attribute__((section(\".data\")))";
            source += &format!("{name} v{index}_{number} {section} = {{ {} }};\n", write.initialiser);
        }
    }
    let variables = compiler.compile(&source, "members").unwrap_or_else(|why| panic!("{why}"));
    let before = prelude(host::MODEL);
    for (index, Case { declaration, name, writes }) in cases.iter().enumerate() {
        let text = format!("{before}{declaration}{name}");
        // GCC's own names, as the standard's headers spell them.
        let text = text.replace("__SIZE_TYPE__", "size_t").replace("__PTRDIFF_TYPE__", "ptrdiff_t");
        let text = text.replace("__WCHAR_TYPE__", "wchar_t");
        let ctype: CType =
            decl::parse_type(&text, host::MODEL).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let size = usize::try_from(ctype.size(host::MODEL).map_or(0, Size::bytes)).expect("small");
        for (number, Write { path, value, initialiser }) in writes.iter().enumerate() {
            if size == 0 {
                continue;
            }
            let mut data = Data::new(&ctype).expect("a layout");
            data.set(path, value.clone())
                .unwrap_or_else(|error| panic!("{declaration}{initialiser}: {error}"));
            let theirs = variables.bytes(&format!("v{index}_{number}"), size);
            assert_eq!(data.bytes(), theirs, "{declaration}{initialiser}");
            // What was written is read again, a pointer where it is vouched for.
            match (data.get(path), value) {
                (Ok(read), _) => {
                    let mut again = Data::new(&ctype).expect("a layout");
                    again.set(path, read).expect("what was read");
                    assert_eq!(again.bytes(), theirs, "read again: {declaration}{initialiser}");
                }
                (Err(_), Value::Pointer(_)) => {}
                (Err(error), _) => panic!("{declaration}{initialiser}: {error}"),
            }
        }
    }
}

fn run(big: bool) {
    let compiler = match Compiler::of(host::MODEL) {
        Ok(compiler) => compiler,
        Err(why) => return support::note(&format!("members: skipped: {why}")),
    };
    let (seed, count) = (support::seed(), support::count(500));
    support::note(&format!("members: {count} types, CALLSMITH_SEED={seed}"));
    let mut types = TypeGen::new(Rng::new(seed), host::MODEL);
    let mut rng = Rng::new(seed ^ 1);
    let mut left = count;
    while left > 0 {
        let batch: Vec<Tree> = (0..left.min(BATCH)).map(|_| types.record()).collect();
        left -= batch.len();
        let batch = batch.iter().filter(|tree| !big || can_be_big_endian(tree)).enumerate();
        let cases: Vec<Case> = batch.map(|(index, tree)| case(&mut rng, tree, index, big)).collect();
        judge(&compiler, &cases);
    }
}

#[test]
fn members_are_where_gcc_has_them() {
    run(false);
}

#[test]
fn members_of_big_endian_types_are_as_gcc_has_them() {
    run(true);
}

/// Whatever is asked for by whatever path, there is an answer or an error.
#[test]
fn no_path_and_no_value_panics() {
    let (seed, count) = (support::seed(), support::count(2_000));
    support::note(&format!("paths: {count} types, CALLSMITH_SEED={seed}"));
    let mut types = TypeGen::new(Rng::new(seed), host::MODEL);
    let mut rng = Rng::new(seed ^ 2);
    for index in 0..count {
        let tree = types.record();
        let Case { declaration, name, writes } = case(&mut rng, &tree, index, false);
        let text = format!("{}{declaration}{name}", prelude(host::MODEL));
        let text = text.replace("__SIZE_TYPE__", "size_t").replace("__PTRDIFF_TYPE__", "ptrdiff_t");
        let ctype = decl::parse_type(&text.replace("__WCHAR_TYPE__", "wchar_t"), host::MODEL);
        let mut data = Data::new(&ctype.expect("a type")).expect("a layout");
        // Too little now and then: that is an error.
        let _ = data.resize(usize::try_from(rng.below(200)).expect("small"));
        for Write { path, value, .. } in &writes {
            let path = mutated(&mut rng, path);
            let _ =
                (data.get(&path), data.set(&path, value.clone()), data.set(&path, 1.5), data.set(&path, -1));
            let _ = data.view_mut().swap(&path, &write_path(&writes, &mut rng));
            if let Ok(view) = data.at(&path) {
                let (start, end) = (rng.below(5), rng.below(5));
                let _ = (view.slice(start..end).map(|slice| slice.value()), view.index(u64::MAX).is_ok());
                let _ =
                    (view.to_string(), view.read::<[u8; 8]>(), view.text(), view.wide_text(), view.to_data());
                let _ = view.cast(data.ctype()).map(|view| view.to_string());
            }
            if let Ok(mut view) = data.at_mut(&path) {
                let _ = (view.set_text(b"text"), view.bytes_mut().map(|bytes| bytes.fill(0xff)));
                let _ = view.cast(&CType::bool()).map(|mut view| view.write(true));
            }
        }
        let _ = (data.to_string(), data.clone());
    }
}

/// Where safe code writes no pointer, it reads none but NULL, whatever else it writes: every byte that it can reach.
#[test]
fn no_sequence_of_writes_makes_a_pointer_of_a_number() {
    let (seed, count) = (support::seed(), support::count(10_000));
    support::note(&format!("pointers: {count} types, CALLSMITH_SEED={seed}"));
    let mut types = TypeGen::new(Rng::new(seed), host::MODEL);
    let mut rng = Rng::new(seed ^ 3);
    let mut pointers = 0;
    for index in 0..count {
        let tree = types.record();
        let leaves = tree.leaves();
        let is_pointer = |leaf: &&CLeaf| leaf.scalar.scalar(host::MODEL) == Scalar::Pointer;
        let kept: Vec<&str> = leaves.iter().filter(is_pointer).map(|leaf| leaf.path.as_str()).collect();
        if kept.is_empty() {
            continue;
        }
        let Case { declaration, name, .. } = case(&mut rng, &tree, index, false);
        let text = format!("{}{declaration}{name}", prelude(host::MODEL));
        let text = text.replace("__SIZE_TYPE__", "size_t").replace("__PTRDIFF_TYPE__", "ptrdiff_t");
        let ctype = decl::parse_type(&text.replace("__WCHAR_TYPE__", "wchar_t"), host::MODEL);
        let mut data = Data::new(&ctype.expect("a type")).expect("a layout");
        for _ in 0..20 {
            let (one, other) = (part(&mut rng, &leaves), part(&mut rng, &leaves));
            scribble(&mut rng, &mut data, &one, &other);
            for path in &kept {
                match data.get(path) {
                    Ok(Value::Pointer(pointer)) => {
                        assert!(pointer.is_null(), "{path}, after '{one}' and '{other}' of {declaration}");
                        pointers += 1;
                    }
                    Ok(other) => panic!("{path} is {other} in {declaration}"),
                    Err(_) => {}
                }
            }
        }
    }
    assert!(pointers >= count, "{pointers}");
}

/// The path of a leaf, or of something that it is in.
fn part(rng: &mut Rng, leaves: &[CLeaf]) -> String {
    let index = usize::try_from(rng.below(leaves.len() as u64)).expect("few");
    let path = &leaves[index].path;
    let cuts: Vec<usize> = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]).collect();
    path[..rng.pick(&cuts)].to_owned()
}

/// Writes ones where it can, by one way or another.
fn scribble(rng: &mut Rng, data: &mut Data, one: &str, other: &str) {
    let bytes = CType::array_of(&callsmith::ctype::Integer::UChar.into(), rng.below(24));
    match rng.below(8) {
        0 => drop((data.set(one, -1), data.set(one, u64::MAX), data.set(one, f64::NAN))),
        1 => drop(data.at_mut(one).map(|mut view| view.bytes_mut().map(|bytes| bytes.fill(0xff)))),
        2 => drop(data.at_mut(one).map(|mut view| view.set_text(&[0xff; 5]))),
        3 => drop(data.at_mut(one).map(|mut view| {
            view.cast(&bytes).map(|mut view| view.bytes_mut().map(|bytes| bytes.fill(0xff)).is_ok())
        })),
        4 => drop(data.view_mut().swap(one, other)),
        5 => drop(data.get(one).map(|value| data.set(other, value))),
        6 => drop(data.resize(data.bytes().len() + usize::try_from(rng.below(40)).expect("few"))),
        _ => {
            let copy = data.clone();
            drop(data.at_mut(one).map(|mut view| copy.at(other).map(|from| view.assign(&from))));
        }
    }
}

/// The path of one of the writes.
fn write_path(writes: &[Write], rng: &mut Rng) -> String {
    let paths: Vec<&str> = writes.iter().map(|write| write.path.as_str()).collect();
    if paths.is_empty() { String::new() } else { rng.pick(&paths).to_owned() }
}

/// A path with a piece of it changed.
fn mutated(rng: &mut Rng, path: &str) -> String {
    let mut path = path.to_owned();
    for _ in 0..rng.below(3) {
        let ends: Vec<usize> = path.char_indices().map(|(at, _)| at).chain([path.len()]).collect();
        let at = rng.pick(&ends);
        match rng.below(3) {
            0 => path.truncate(at),
            1 => path.insert_str(
                at,
                rng.pick(&[".", "[", "]", "[0]", "[18446744073709551615]", "m3", " ", "[-1]", "é"]),
            ),
            _ => _ = path.pop(),
        }
    }
    path
}
