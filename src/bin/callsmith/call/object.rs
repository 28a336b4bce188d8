//! From an initialiser to an object of a struct, union, array, vector or complex type.

use super::argument::{self, Refusal};
use super::initialiser::{self, Designator, Initialiser, Item};
use super::text;
use callsmith::ctype::{CType, Integer, Kind};
use callsmith::{Data, Error, Value, host};

/// The object of type `ctype` that the initialiser `text` describes; what it leaves out is zero.
pub(super) fn read(text: &str, ctype: &CType) -> Result<Data, Refusal> {
    let mut data = Data::new(ctype).map_err(said)?;
    fill(&mut data, ctype, "", &initialiser::parse(text)?)?;
    Ok(data)
}

/// What a pointer to `target` is to point at: one object where `target` is a struct or union, and else an array as long
/// as the initialiser `text`.
pub(super) fn read_pointee(text: &str, target: &CType) -> Result<Data, Refusal> {
    if let Kind::Record(_) = target.resolved().kind() {
        return read(text, target);
    }
    let list = initialiser::parse(text)?;
    let len = match &list {
        Initialiser::List(items) => length(items),
        Initialiser::Scalar(_) => 1,
    };
    let array = CType::array_of(target, len);
    let mut data = Data::new(&array).map_err(said)?;
    fill(&mut data, &array, "", &list)?;
    Ok(data)
}

/// How many elements an array without length gets from its initialiser (C11 6.7.9p22).
fn length(items: &[Item<'_>]) -> u64 {
    let (mut next, mut len) = (0u64, 1);
    for item in items {
        if let Some(Designator::Element(index)) = item.designators.first() {
            next = *index;
        }
        next = next.saturating_add(1);
        len = len.max(next);
    }
    len
}

/// `value` converted to `ctype`, as a value of its own.
pub(super) fn converted(value: &Value, ctype: &CType) -> Result<Value, Refusal> {
    let mut data = Data::new(ctype).map_err(said)?;
    data.set("", value.clone()).map_err(said)?;
    data.get("").map_err(said)
}

/// Initialises the part of `data` at `path`, which is of type `ctype`.
fn fill(data: &mut Data, ctype: &CType, path: &str, initialiser: &Initialiser<'_>) -> Result<(), Refusal> {
    let at = |refusal: Refusal, given: &str| match (refusal, path) {
        (refusal, "") => refusal,
        (Some(why), _) => Some(format!("'{path}': {why}")),
        (None, _) => Some(format!("'{path}' is {ctype}, not {given}")),
    };
    match (initialiser, is_aggregate(ctype)) {
        (Initialiser::List(items), true) => fill_list(data, ctype, path, items),
        (Initialiser::List(items), false) => match &items[..] {
            [Item { designators, value: value @ Initialiser::Scalar(_) }] if designators.is_empty() => {
                fill(data, ctype, path, value)
            }
            _ => Err(at(None, "a list in braces")),
        },
        (Initialiser::Scalar(text), true) => match (text::quoted(text), chars(ctype)) {
            (Some(_), Some(len)) => fill_text(data, path, text, len).map_err(|refusal| at(refusal, text)),
            (_, _) => Err(at(Some("its parts go into braces: {1, 2}".into()), text)),
        },
        (Initialiser::Scalar(text), false) => {
            let value = argument::value(text, ctype).map_err(|refusal| at(refusal, text))?;
            data.set(path, value).map_err(|error| at(said(error), text))
        }
    }
}

/// Each item into its member: the one that it names, or the one after the last.
fn fill_list(data: &mut Data, ctype: &CType, path: &str, items: &[Item<'_>]) -> Result<(), Refusal> {
    let mut next = 0;
    for item in items {
        let Some((first, further)) = item.designators.split_first() else {
            let (part, step) =
                part(ctype, next).ok_or_else(|| Some(format!("{ctype} has {next} members")))?;
            fill(data, &part, &format!("{path}{step}"), &item.value)?;
            next += 1;
            continue;
        };
        let (mut part, mut place) = (ctype.clone(), path.to_owned());
        for designator in [first].into_iter().chain(further) {
            let missing = || Some(format!("{part} has no {}", shown(*designator)));
            let (index, found) = find(&part, *designator).ok_or_else(missing)?;
            if std::ptr::eq(designator, first) {
                next = index + 1;
            }
            (part, place) = (found, place + &shown(*designator));
        }
        fill(data, &part, &place, &item.value)?;
    }
    Ok(())
}

/// A string into an array of `len` characters.
fn fill_text(data: &mut Data, path: &str, text: &str, len: u64) -> Result<(), Refusal> {
    let bytes = text::string(text)?;
    if u64::try_from(bytes.len()).is_ok_and(|given| given > len) {
        return Err(Some(format!("{} characters do not fit into {len}", bytes.len())));
    }
    for (index, byte) in bytes.into_iter().enumerate() {
        // A char may be signed, its bits are what counts.
        data.set(&format!("{path}[{index}]"), byte.cast_signed()).map_err(said)?;
    }
    Ok(())
}

fn is_aggregate(ctype: &CType) -> bool {
    match ctype.resolved().kind() {
        Kind::Record(_) | Kind::Array { .. } | Kind::Vector { .. } | Kind::Complex(_) => true,
        Kind::Void
        | Kind::VaList
        | Kind::Integer(_)
        | Kind::Floating(_)
        | Kind::Pointer(_)
        | Kind::Function(_)
        | Kind::Enum(_)
        | Kind::Typedef { .. } => false,
    }
}

/// The length of an array of `char`.
fn chars(ctype: &CType) -> Option<u64> {
    let Kind::Array { element, len } = ctype.resolved().kind() else { return None };
    matches!(element.resolved().kind(), Kind::Integer(Integer::Char)).then_some(len?)
}

/// Member or element `index`, and the step to it; no step to an unnamed struct or union, whose members count as the
/// outer one's.
fn part(ctype: &CType, index: u64) -> Option<(CType, String)> {
    let Kind::Record(record) = ctype.resolved().kind() else {
        let element = element(ctype, index)?;
        return Some((element, format!("[{index}]")));
    };
    let mut members = record.members().filter(|member| member.name.is_some() || member.bits.is_none());
    let member = members.nth(usize::try_from(index).ok()?)?;
    let step = member.name.map(|name| format!(".{name}")).unwrap_or_default();
    Some((member.ty, step))
}

/// The number and type of the member that `designator` names; that of the unnamed struct or union which holds it.
fn find(ctype: &CType, designator: Designator<'_>) -> Option<(u64, CType)> {
    let wanted = match designator {
        Designator::Element(index) => return Some((index, element(ctype, index)?)),
        Designator::Member(name) => name,
    };
    (0u64..).map_while(|index| Some((index, part(ctype, index)?))).find_map(|(index, (ty, step))| match step
        .strip_prefix('.')
    {
        Some(name) => (name == wanted).then_some((index, ty)),
        None => find(&ty, designator).map(|(_, ty)| (index, ty)),
    })
}

fn element(ctype: &CType, index: u64) -> Option<CType> {
    let (element, len) = match ctype.resolved().kind() {
        Kind::Array { element, len } => (element, len?),
        Kind::Vector { lane, bytes } => {
            let len = bytes.checked_div(lane.size(host::MODEL).ok()?.bytes())?;
            (lane, len)
        }
        Kind::Complex(part) => (part.into(), 2),
        _ => return None,
    };
    (index < len).then_some(element)
}

fn shown(designator: Designator<'_>) -> String {
    match designator {
        Designator::Member(name) => format!(".{name}"),
        Designator::Element(index) => format!("[{index}]"),
    }
}

fn said(error: Error) -> Refusal {
    Some(error.to_string())
}
