//! The plan as JSON.

use super::assembly::{self, Line, Piece};
use super::callback::Context;
use super::holds;
use super::subject::Subject;
use super::target;
use callsmith::arch::plan::{Extension, Location, Move, MoveRange, Passing, ResultPlan, Rule};
use callsmith::arch::{Abi, Error};
use callsmith::ctype::CType;
use serde_json::{Value, json};

/// Everything that the tables say; with `asm`, the code too.
pub(super) fn of(subject: &Subject, asm: bool) -> Result<Value, Error> {
    let plan = &subject.plan;
    let convention = plan.abi.convention();
    let mut whole = json!({
        "declaration": subject.prototype.to_string(),
        "abi": target::name(plan.abi),
        "document": convention.document,
        "data_model": subject.model.name,
        "arguments": arguments(subject),
        "result": result(subject),
        "stack": {
            "argument_bytes": plan.stack_bytes,
            "frame_bytes": plan.frame_bytes,
            "align": plan.stack_align.bytes(),
            "shadow_space": convention.shadow_space,
            "callee_pops": plan.callee_pops,
        },
        "vector_count": plan.vector_count,
    });
    if subject.is_callback() {
        // In registers, by name.
        whole["context"] = json!({
            "typed": Context::of_typed(subject).map(|context| context.name(plan.abi)),
            "dynamic": Context::of_adapters(plan.abi.instruction_set()).map(|context| context.name(plan.abi)),
        });
        whole["return_address_bytes"] = subject.below().into();
    }
    if asm {
        whole["code"] = assembly::pieces(subject)?.iter().map(code).collect();
    }
    Ok(whole)
}

fn code(piece: &Piece) -> Value {
    let line = |line: &Line| json!({ "offset": line.offset, "bytes": line.bytes, "text": line.text });
    json!({ "name": piece.name, "instructions": piece.lines.iter().map(line).collect::<Vec<_>>() })
}

fn arguments(subject: &Subject) -> Value {
    let abi = subject.abi();
    let args = subject.args.iter().zip(&subject.plan.args).map(|(arg, plan)| {
        let passing = match plan.passing {
            Passing::Ignored(why) => json!({ "kind": "ignored", "rule": rule(why) }),
            Passing::Direct(run) => json!({ "kind": "direct", "pieces": pieces(subject, &arg.ty, run) }),
            Passing::Indirect { pointer, rule: why, .. } if subject.is_callback() => json!({
                "kind": "indirect",
                "pointer": location(abi, pointer, abi.instruction_set().word()),
                "rule": rule(why),
            }),
            Passing::Indirect { pointer, copy, align, rule: why } => json!({
                "kind": "indirect",
                "pointer": location(abi, pointer, abi.instruction_set().word()),
                "copy": location(abi, Location::Stack(copy), plan.size),
                "copy_align": align.bytes(),
                "rule": rule(why),
            }),
        };
        json!({ "name": arg.name, "type": arg.ty.to_string(), "size": plan.size, "passing": passing })
    });
    args.collect()
}

fn result(subject: &Subject) -> Value {
    let (plan, ctype) = (&subject.plan, &subject.prototype.result);
    let word = plan.abi.instruction_set().word();
    let passing = match plan.result {
        ResultPlan::None => json!({ "kind": "none" }),
        ResultPlan::Direct(run) => json!({ "kind": "direct", "pieces": pieces(subject, ctype, run) }),
        ResultPlan::Hidden { pointer, returned, rule: why } => json!({
            "kind": "hidden",
            "pointer": location(plan.abi, pointer, word),
            "returned": returned.map(|place| location(plan.abi, place, word)),
            "rule": rule(why),
        }),
    };
    json!({ "type": ctype.to_string(), "size": plan.result_size, "passing": passing })
}

fn pieces(subject: &Subject, ctype: &CType, run: MoveRange) -> Value {
    let piece = |piece: &Move| {
        let Move { offset, width, location: place, extension, rule: why } = piece;
        let end = u64::from(*offset) + u64::from(*width);
        let extension = match extension {
            Extension::None => Value::Null,
            Extension::Sign => "sign".into(),
            Extension::Zero => "zero".into(),
        };
        json!({
            "offset": offset,
            "width": width,
            "holds": holds::members(ctype, (*offset).into()..end, subject.model),
            "location": location(subject.abi(), *place, *width),
            "extension": extension,
            "rule": rule(why),
        })
    };
    subject.plan.moves_of(run).iter().map(piece).collect()
}

fn location(abi: Abi, place: Location, width: u32) -> Value {
    let name = target::place(abi, place, width);
    match place {
        Location::Gp(number) => json!({ "kind": "integer register", "number": number, "name": name }),
        Location::Vector(number) => json!({ "kind": "vector register", "number": number, "name": name }),
        Location::Mmx(number) => json!({ "kind": "mmx register", "number": number, "name": name }),
        Location::X87(number) => json!({ "kind": "x87 register", "number": number, "name": name }),
        Location::Stack(offset) => json!({ "kind": "stack", "offset": offset, "name": name }),
    }
}

fn rule(rule: &Rule) -> Value {
    json!({ "class": rule.class, "section": rule.section, "text": rule.text })
}
