//! Plans of types built by hand, where a C prototype is not needed to say what is meant. The tables of C prototypes are
//! in the workspace's `tests/golden`.

mod any;

use callsmith_arch::layout::{DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type};
use callsmith_arch::plan::{Location, Passing, ResultPlan};
use callsmith_arch::{Abi, CallPlan, Error, Signature, abi};

fn plan(abi: Abi, result: Option<Type>, params: &[Type]) -> CallPlan {
    abi::classify(&Signature::new(abi, result, params.to_vec()).unwrap()).unwrap()
}

fn structure(members: &[Type]) -> Type {
    let members: Vec<Member> = members.iter().cloned().map(Member::new).collect();
    let attrs = RecordAttrs::new(RecordKind::Struct);
    Record::new(&DataModel::LP64, attrs, &members).unwrap().into()
}

/// The moves of argument `index`: (offset, width, location).
fn moves(plan: &CallPlan, index: usize) -> Vec<(u32, u32, Location)> {
    match plan.args[index].passing {
        Passing::Direct(run) => plan.moves_of(run).iter().map(|m| (m.offset, m.width, m.location)).collect(),
        Passing::Ignored(_) | Passing::Indirect { .. } => panic!("argument {index} passes otherwise"),
    }
}

const INT: Type = Type::Scalar(Scalar::I32);
const LONG: Type = Type::Scalar(Scalar::I64);
const DOUBLE: Type = Type::Scalar(Scalar::Float(Float::F64));

#[test]
fn sysv_counts_classes_apart() {
    let plan = plan(Abi::SysV64, Some(DOUBLE), &[INT, DOUBLE, LONG]);
    assert_eq!(moves(&plan, 0), [(0, 4, Location::Gp(7))]);
    assert_eq!(moves(&plan, 1), [(0, 8, Location::Vector(0))]);
    assert_eq!(moves(&plan, 2), [(0, 8, Location::Gp(6))]);
    assert_eq!((plan.stack_bytes, plan.frame_bytes, plan.vector_count), (0, 0, None));
}

#[test]
fn win64_counts_positions() {
    let plan = plan(Abi::Win64, Some(DOUBLE), &[INT, DOUBLE, LONG]);
    assert_eq!(moves(&plan, 0), [(0, 4, Location::Gp(1))]);
    assert_eq!(moves(&plan, 1), [(0, 8, Location::Vector(1))]);
    assert_eq!(moves(&plan, 2), [(0, 8, Location::Gp(8))]);
    assert_eq!((plan.stack_bytes, plan.frame_bytes), (32, 32));
}

#[test]
fn mixed_struct() {
    let mixed = structure(&[DOUBLE, INT]);
    let plan = plan(Abi::SysV64, Some(mixed.clone()), std::slice::from_ref(&mixed));
    assert_eq!(moves(&plan, 0), [(0, 8, Location::Vector(0)), (8, 8, Location::Gp(7))]);
    let ResultPlan::Direct(run) = plan.result else { panic!() };
    let result: Vec<_> = plan.moves_of(run).iter().map(|m| m.location).collect();
    assert_eq!(result, [Location::Vector(0), Location::Gp(0)]);
}

#[test]
fn win64_copies_lie_above_the_stack_arguments() {
    let large = structure(&[LONG, LONG, LONG]);
    let plan = plan(Abi::Win64, Some(large.clone()), &[large.clone(), INT, INT, INT, large]);
    let places: Vec<_> = plan
        .args
        .iter()
        .filter_map(|arg| match arg.passing {
            Passing::Indirect { pointer, copy, .. } => Some((pointer, copy)),
            Passing::Ignored(_) | Passing::Direct(_) => None,
        })
        .collect();
    // The hidden result takes rcx; the last two arguments take 32 and 40; copies are 16-byte aligned.
    assert_eq!(places, [(Location::Gp(2), 48), (Location::Stack(40), 80)]);
    assert_eq!(plan.stack_bytes, 48);
    assert_eq!(plan.frame_bytes, 104);
}

#[test]
fn limits_are_errors() {
    let mut large = structure(&[LONG; 4]);
    for _ in 0..15 {
        large = structure(&[large.clone(), large]);
    }
    for &abi in Abi::ALL {
        let whole = Signature::new(abi, None, vec![large.clone()]).unwrap();
        let fits = abi::classify(&whole);
        assert_eq!(fits.is_ok(), abi != Abi::Win64, "1 MiB, and Win64's shadow space besides");
        let twice = Signature::new(abi, None, vec![large.clone(), large.clone()]).unwrap();
        assert!(matches!(abi::classify(&twice), Err(Error::FrameTooLarge { limit: 0x10_0000, .. })));
        let many = Signature::new(abi, None, vec![INT; 1_000]).unwrap();
        assert_eq!(abi::classify(&many).unwrap().args.len(), 1_000);
    }
}

#[test]
fn invariants_hold_of_any_signature() {
    arbtest::arbtest(|u| {
        let signature = any::signature(u)?;
        let plan = abi::classify(&signature).unwrap();
        if let Err(broken) = plan.check(&signature) {
            panic!("{broken}\n{plan}\n{signature:#?}");
        }
        Ok(())
    });
}

#[test]
fn the_table_has_a_row_for_each_piece() {
    let plan = plan(Abi::SysV64, None, &[Scalar::I8.into(), structure(&[DOUBLE, INT])]);
    let table = plan.table(&["c"]).to_string();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().take(5).collect()).collect();
    assert_eq!(rows[0], ["value", "bytes", "location", "extension", "class"]);
    assert_eq!(rows[1], ["c", "0..1", "dil", "sign", "INTEGER"]);
    // Without a name, without an extension.
    assert_eq!(rows[2][..4], ["#2", "0..8", "xmm0", "SSE"]);
    assert_eq!(rows[3][..4], ["#2", "8..16", "rsi", "INTEGER"]);
    assert_eq!(rows.len(), 5, "and the stack's line");
}
