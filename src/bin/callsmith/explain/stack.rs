//! The stack at the call instruction, or where a callback is entered, as a picture.

use super::subject::Subject;
use super::target;
use crate::table::clip;
use callsmith::arch::plan::{Location, Passing, ResultPlan};

/// How wide the box's inside is.
const INSIDE: usize = 70;

/// Something on the stack.
struct Item {
    start: u64,
    end: u64,
    label: String,
}

/// The picture, higher addresses first.
pub(super) fn print(subject: &Subject) -> String {
    let plan = &subject.plan;
    let pointer = target::stack_pointer(subject.abi());
    let items = items(subject);
    let at = if subject.is_callback() { "where it is entered" } else { "at the call" };
    let aligned = match subject.below() {
        0 => format!("a multiple of {}", plan.stack_align),
        below => format!("{below} below a multiple of {}", plan.stack_align),
    };
    if items.is_empty() {
        return format!("  nothing on the stack; {pointer} is {aligned} {at}\n");
    }
    let mut text = format!("  the stack {at}: {}, {pointer} {aligned}", counted(plan.frame_bytes.into()));
    if plan.callee_pops > 0 {
        let whose = if subject.is_callback() { "its own to pop" } else { "of them popped by the callee" };
        text += &format!(", {} {whose}", plan.callee_pops);
    }
    let rows = rows(&items, plan.frame_bytes.into(), pointer);
    let width = rows.iter().map(|(place, _)| place.len()).max().unwrap_or(0);
    let edge = "─".repeat(INSIDE);
    text += &format!("\n  {:width$}  ┌{edge}┐\n", "");
    for (place, label) in rows.iter().rev() {
        let label = clip(label, INSIDE - 2);
        text += &format!("  {place:>width$}  │ {label:0$} │\n", INSIDE - 2);
    }
    text + &format!("  {:width$}  └{edge}┘\n", "")
}

/// Each item with the unused bytes around it, as place and label, lower addresses first.
fn rows(items: &[Item], frame: u64, pointer: &str) -> Vec<(String, String)> {
    let starts = items.iter().skip(1).map(|item| item.start).chain([frame]);
    let first = items.first().map_or(0, |item| item.start);
    let below = Item { start: 0, end: first, label: "unused".into() };
    let mut rows = Vec::with_capacity(items.len() + 1);
    for (item, next) in [(&below, first)]
        .into_iter()
        .chain(items.iter().zip(starts))
        .filter(|(item, _)| item.start < item.end)
    {
        let unused = match next.saturating_sub(item.end) {
            0 => String::new(),
            bytes => format!(", then {bytes} unused"),
        };
        let place = if item.start == 0 { pointer.to_owned() } else { format!("{pointer}+{}", item.start) };
        rows.push((place, format!("{}: {}{unused}", item.label, counted(item.end - item.start))));
    }
    rows
}

fn counted(bytes: u64) -> String {
    if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") }
}

/// Everything on the stack, by address.
fn items(subject: &Subject) -> Vec<Item> {
    let plan = &subject.plan;
    let address = plan.abi.instruction_set().word();
    let mut items = Vec::new();
    let mut at = |location: Location, width: u32, label: String| {
        if let Location::Stack(start) = location {
            let start = u64::from(start);
            items.push(Item { start, end: start + u64::from(width), label });
        }
    };
    match plan.abi.convention().shadow_space {
        0 => {}
        shadow => at(Location::Stack(subject.below()), shadow, "shadow space, the callee's to use".into()),
    }
    match subject.below() {
        0 => {}
        below => at(Location::Stack(0), below, "return address".into()),
    }
    if let ResultPlan::Hidden { pointer, .. } = plan.result {
        at(pointer, address, "address of the result".into());
    }
    for (arg, arg_plan) in subject.args.iter().zip(&plan.args) {
        match arg_plan.passing {
            Passing::Ignored(_) => {}
            Passing::Direct(run) => {
                for piece in plan.moves_of(run) {
                    at(piece.location, piece.width, arg.name.clone());
                }
            }
            Passing::Indirect { pointer, .. } if subject.is_callback() => {
                at(pointer, address, format!("address of {}", arg.name));
            }
            Passing::Indirect { pointer, copy, .. } => {
                at(pointer, address, format!("address of {}'s copy", arg.name));
                at(Location::Stack(copy), arg_plan.size, format!("copy of {}", arg.name));
            }
        }
    }
    items.sort_by_key(|item| item.start);
    items
}
