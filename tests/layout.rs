//! arch's layouts against C compilers: sizes, alignments, offsets and bit positions of random types, read back from object
//! files. Nothing that was compiled is run.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of types for each data model, `CALLSMITH_ZIG` the command
//! of a zig compiler, which judges the models of Microsoft's and Apple's compilers.

mod support;

use callsmith_arch::layout::{DataModel, Leaf, Place, Scalar, Type};
use std::fmt::Write as _;
use support::compiler::{Compiler, Variables};
use support::ctype::{CLeaf, CScalar, CType, Part, prelude};
use support::rng::Rng;
use support::typegen::TypeGen;

/// Types in one C file.
const BATCH: usize = 500;
/// Leaves of one type whose place is asked for.
const LEAVES: usize = 48;

/// A C type and what arch makes of it.
struct Case {
    /// What its names in C start with.
    prefix: String,
    c: CType,
    ty: Type,
    leaves: Vec<(CLeaf, Leaf)>,
}

impl Case {
    fn new(index: usize, c: CType, model: &DataModel) -> Case {
        let ty = c.lower(model).unwrap_or_else(|error| panic!("{error}: {c:?}"));
        let mut placed = Vec::new();
        ty.for_each_leaf(model, &mut |leaf| {
            placed.push(leaf);
            true
        });
        let named = c.leaves();
        assert_eq!(named.len(), placed.len(), "the number of leaves of {c:?}");
        let leaves = named.into_iter().zip(placed).take(LEAVES).collect();
        Case { prefix: format!("t{index}"), c, ty, leaves }
    }

    /// Members of the outermost record that have a name and an offset, and their offsets by arch.
    fn members(&self) -> Vec<(&str, u64)> {
        let (CType::Record(record), Type::Record(laid_out)) = (&self.c, &self.ty) else { return Vec::new() };
        let placed = record.members.iter().filter(|member| member.bits != Some(0)).zip(&laid_out.fields);
        placed
            .filter_map(|(member, field)| match field.place {
                Place::Bytes(offset) => Some((member.name.as_deref()?, offset.bytes())),
                Place::Bits { .. } => None,
            })
            .collect()
    }

    /// The bit-fields of the outermost record, with their first bits and widths by arch.
    fn bit_fields(&self) -> Vec<(&str, u64, u16)> {
        let (CType::Record(record), Type::Record(laid_out)) = (&self.c, &self.ty) else { return Vec::new() };
        let placed = record.members.iter().filter(|member| member.bits != Some(0)).zip(&laid_out.fields);
        placed
            .filter_map(|(member, field)| match field.place {
                Place::Bits { first, width } => Some((member.name.as_deref()?, first, width)),
                Place::Bytes(_) => None,
            })
            .collect()
    }

    /// C that puts what the compiler knows of the type into variables.
    fn source(&self, out: &mut String) {
        let prefix = &self.prefix;
        self.c.declare(prefix, out);
        let name = self.c.declarator(prefix, "");
        let _ = write!(out, "unsigned long long {prefix}_values[] = {{ sizeof({name}), _Alignof({name})");
        for (member, _) in self.members() {
            let _ = write!(out, ", __builtin_offsetof({name}, {member})");
        }
        for (leaf, _) in self.leaves.iter().filter(|(leaf, _)| leaf.bits.is_none()) {
            let _ = write!(out, ", __builtin_offsetof({name}, {})", leaf.path);
        }
        // Not all zero, or some formats would not store it.
        out.push_str(", 1 };\n");
        for (index, (leaf, _)) in self.leaves.iter().enumerate().filter(|(_, (leaf, _))| leaf.bits.is_some())
        {
            let _ = writeln!(out, "{name} {prefix}_bits{index} = {{ .{} = -1 }};", leaf.path);
        }
    }

    /// What the compiler says otherwise than arch.
    fn differences(&self, model: &DataModel, variables: &Variables) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, ours: u64, theirs: u64| {
            if ours != theirs {
                wrong.push(format!("{what}: arch {ours}, the compiler {theirs}"));
            }
        };
        let members = self.members();
        let plain: Vec<_> = self.leaves.iter().filter(|(leaf, _)| leaf.bits.is_none()).collect();
        let bytes =
            variables.bytes(&format!("{}_values", self.prefix), (2 + members.len() + plain.len()) * 8);
        let mut values =
            bytes.chunks_exact(8).map(|value| u64::from_le_bytes(value.try_into().expect("8 bytes")));
        let mut value = || values.next().expect("a value for each question");
        compare("sizeof", self.ty.size(model).bytes(), value());
        compare("_Alignof", self.ty.align(model).bytes(), value());
        for (name, ours) in members {
            compare(name, ours, value());
        }
        for (leaf, placed) in plain {
            let size = model.size_of(placed.scalar).bytes();
            let theirs = value() + size * part_number(leaf.part);
            compare(&format!("{} {:?}", leaf.path, leaf.part), placed.offset.bytes(), theirs);
            compare(&format!("{}'s size", leaf.path), placed.size.bytes(), size);
        }
        if wrong.is_empty() {
            self.bit_field_differences(model, variables, &mut wrong);
        }
        wrong
    }

    fn bit_field_differences(&self, model: &DataModel, variables: &Variables, wrong: &mut Vec<String>) {
        let size = usize::try_from(self.ty.size(model).bytes()).expect("small");
        let own = self.bit_fields();
        for (index, (leaf, placed)) in
            self.leaves.iter().enumerate().filter(|(_, (leaf, _))| leaf.bits.is_some())
        {
            let ones = ones(variables.bytes(&format!("{}_bits{index}", self.prefix), size));
            let (Some(&first), Some(&last)) = (ones.first(), ones.last()) else {
                wrong.push(format!("{}: no bit in the compiler's", leaf.path));
                continue;
            };
            let theirs = (first / 8, last / 8 - first / 8 + 1);
            if (placed.offset.bytes(), placed.size.bytes()) != theirs {
                wrong.push(format!("{}: arch {placed:?}, the compiler's bytes {theirs:?}", leaf.path));
            }
            for (_, first_bit, width) in own.iter().filter(|(name, _, _)| *name == leaf.path) {
                if !ones.iter().copied().eq(*first_bit..*first_bit + u64::from(*width)) {
                    wrong.push(format!("{}: arch {first_bit}:{width}, the compiler {ones:?}", leaf.path));
                }
            }
        }
    }
}

fn part_number(part: Part) -> u64 {
    match part {
        Part::Whole | Part::Real => 0,
        Part::Imaginary => 1,
        Part::Lane(lane) => u64::from(lane),
    }
}

/// The bits that are set, little-endian.
fn ones(bytes: &[u8]) -> Vec<u64> {
    (0..)
        .zip(bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)))
        .filter(|(_, bit)| *bit == 1)
        .map(|(at, _)| at)
        .collect()
}

/// Compiles the types together; for each that the compiler lays out otherwise, its index and how.
fn judge(compiler: &Compiler, types: &[CType], name: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let model = compiler.model;
    let mut source = prelude(model);
    let cases: Vec<Case> =
        types.iter().enumerate().map(|(index, c)| Case::new(index, c.clone(), model)).collect();
    cases.iter().for_each(|case| case.source(&mut source));
    let variables = compiler.compile(&source, name)?;
    let wrong = cases.iter().map(|case| case.differences(model, &variables)).enumerate();
    Ok(wrong.filter(|(_, wrong)| !wrong.is_empty()).collect())
}

/// The smallest type made from `c` by leaving things out that the compiler still lays out otherwise.
fn shrink(compiler: &Compiler, mut c: CType, mut wrong: Vec<String>) -> (CType, Vec<String>) {
    loop {
        let smaller = c.smaller();
        // One at a time where together they do not compile: leaving things out can break a rule of C.
        let found = match judge(compiler, &smaller, "shrink") {
            Ok(found) => found.into_iter().next(),
            Err(_) => smaller.iter().enumerate().find_map(|(index, c)| {
                let judged = judge(compiler, std::slice::from_ref(c), "shrink").ok()?;
                judged.into_iter().next().map(|(_, wrong)| (index, wrong))
            }),
        };
        match found {
            Some((index, how)) => (c, wrong) = (smaller[index].clone(), how),
            None => return (c, wrong),
        }
    }
}

fn compiler_or_note(model: &'static DataModel) -> Option<Compiler> {
    let compiler = Compiler::of(model);
    compiler.map_err(|why| support::note(&format!("layout of {}: skipped: {why}", model.name))).ok()
}

/// Lays out random types, and lets the model's compiler judge.
fn random_types(model: &'static DataModel) {
    let Some(compiler) = compiler_or_note(model) else { return };
    let (seed, count) = (support::seed(), support::count(5_000));
    support::note(&format!("layout of {}: {count} types, CALLSMITH_SEED={seed}", model.name));
    let mut types = TypeGen::new(Rng::new(seed), model);
    let mut left = count;
    while left > 0 {
        let batch: Vec<CType> = (0..left.min(BATCH)).map(|_| types.record()).collect();
        left -= batch.len();
        let wrong = judge(&compiler, &batch, "random").unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        if let Some((index, how)) = wrong.first() {
            let (c, how) = shrink(&compiler, batch[*index].clone(), how.clone());
            let mut text = String::new();
            c.declare("s", &mut text);
            let others = wrong.len() - 1;
            panic!("{}, seed {seed}, and {others} others:\n{text}{}", model.name, how.join("\n"));
        }
    }
}

/// Sizes, alignments and signs of all named scalars, and which of them there are.
fn scalars(model: &'static DataModel) {
    let Some(compiler) = compiler_or_note(model) else { return };
    let mut source = prelude(model);
    let there: Vec<CScalar> =
        CScalar::ALL.iter().copied().filter(|scalar| model.has(scalar.scalar(model))).collect();
    for (index, scalar) in there.iter().enumerate() {
        let (name, sign) = (scalar.spelling(), is_signed(scalar.scalar(model)));
        let negative = if sign.is_some() { format!("({name})-1 < ({name})1") } else { "0".into() };
        let _ = writeln!(
            source,
            "unsigned long long scalar{index}[] = {{ sizeof({name}), _Alignof({name}), __alignof__({name}), {negative} }};"
        );
    }
    let variables = compiler.compile(&source, "scalars").unwrap_or_else(|why| panic!("{why}"));
    for (index, c) in there.iter().enumerate() {
        let scalar = c.scalar(model);
        let ours = [
            model.size_of(scalar).bytes(),
            model.align_of(scalar).bytes(),
            model.object_align_of(scalar).bytes(),
            u64::from(is_signed(scalar) == Some(true)),
        ];
        let bytes = variables.bytes(&format!("scalar{index}"), 32);
        let theirs: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|value| u64::from_le_bytes(value.try_into().expect("8 bytes")))
            .collect();
        assert_eq!(
            ours,
            theirs[..],
            "sizeof, _Alignof, __alignof__, signed of {} ({})",
            c.spelling(),
            model.name
        );
    }
}

/// Whether an integer has a sign; `None` for what is no integer.
fn is_signed(scalar: Scalar) -> Option<bool> {
    match scalar {
        Scalar::Bool | Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 | Scalar::U128 => Some(false),
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128 => Some(true),
        Scalar::Float(_) | Scalar::Pointer => None,
    }
}

macro_rules! tests {
    ($($name:ident: $model:ident,)*) => {
        mod random {
            $(#[test] fn $name() { super::random_types(&super::DataModel::$model) })*
        }
        mod scalar {
            $(#[test] fn $name() { super::scalars(&super::DataModel::$model) })*
        }
    };
}

tests! {
    lp64: LP64,
    llp64_gnu: LLP64_GNU,
    llp64_msvc: LLP64_MSVC,
    ilp32_gnu: ILP32_GNU,
    ilp32_mingw: ILP32_MINGW,
    ilp32_msvc: ILP32_MSVC,
    aapcs64_linux: AAPCS64_LINUX,
    aapcs64_darwin: AAPCS64_DARWIN,
    aapcs64_windows: AAPCS64_WINDOWS,
}
