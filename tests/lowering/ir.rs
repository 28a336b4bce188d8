//! What is needed of LLVM's assembly: calls with the types and attributes of their arguments, declarations' results, types
//! by name, integers that are global.

use callsmith::arch::plan::Extension;
use std::collections::HashMap;

/// A type of LLVM's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Void,
    Int(u32),
    Ptr,
    /// Of this size in bytes; the x87's has 10.
    Float(u32),
    /// Lanes, and a lane.
    Vector(u32, Box<Ty>),
    Array(u32, Box<Ty>),
    Struct(Vec<Ty>),
}

/// An argument, or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) ty: Ty,
    /// What stands behind the type, as it stands there; for a result, before it.
    pub(crate) attributes: String,
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) result: Value,
    pub(crate) args: Vec<Value>,
    /// The line.
    pub(crate) text: String,
}

/// A file of LLVM's assembly.
pub(crate) struct Module<'a> {
    types: HashMap<&'a str, &'a str>,
    calls: HashMap<&'a str, &'a str>,
    declarations: HashMap<&'a str, &'a str>,
    integers: HashMap<&'a str, u64>,
}

impl Value {
    /// What clang promises of a register's rest.
    pub(crate) fn extension(&self) -> Extension {
        match (self.has("signext"), self.has("zeroext")) {
            (true, _) => Extension::Sign,
            (_, true) => Extension::Zero,
            (false, false) => Extension::None,
        }
    }

    /// Whether an attribute of this name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.number(name).is_some()
    }

    /// What is in the attribute's parentheses, where that is a number; 0 where it has none.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let words = self.attributes.split_whitespace();
        words.into_iter().find_map(|word| {
            let (word, inside) = word.split_once('(').unwrap_or((word, ""));
            (word == name).then(|| inside.trim_end_matches(')').parse().unwrap_or(0))
        })
    }

    /// The number behind an attribute without parentheses, as in `align 8`.
    pub(crate) fn word_after(&self, name: &str) -> Option<u32> {
        let mut words = self.attributes.split_whitespace().skip_while(|word| *word != name);
        words.nth(1)?.parse().ok()
    }
}

impl Call {
    /// The address of the result, if clang passes one, and the values that pass for each parameter: those of a struct that
    /// is taken apart are as many as where it is alone (`shapes`), or its address.
    pub(crate) fn grouped(&self, shapes: &[usize]) -> Result<(Option<&Value>, Vec<&[Value]>), String> {
        let (hidden, mut values) = match self.args.split_first() {
            Some((first, rest)) if first.has("sret") => (Some(first), rest),
            Some(_) | None => (None, self.args.as_slice()),
        };
        let mut groups = Vec::new();
        for &shape in shapes {
            let is_whole = shape > 1 && values.first().is_some_and(|value| value.has("byval"));
            let count = if is_whole { 1 } else { shape };
            let (group, rest) = values.split_at_checked(count).ok_or("clang passes fewer arguments")?;
            groups.push(group);
            values = rest;
        }
        if values.is_empty() { Ok((hidden, groups)) } else { Err("clang passes more arguments".into()) }
    }
}

impl<'a> Module<'a> {
    /// Reads what is needed.
    pub(crate) fn read(text: &'a str) -> Result<Module<'a>, String> {
        let mut module = Module {
            types: HashMap::new(),
            calls: HashMap::new(),
            declarations: HashMap::new(),
            integers: HashMap::new(),
        };
        for line in text.lines() {
            if let Some((name, ty)) = line.strip_prefix('%').and_then(|line| line.split_once(" = type ")) {
                module.types.insert(name, ty);
            } else if let Some(rest) = line.strip_prefix("declare ") {
                module.declarations.insert(function(rest)?.name, rest);
            } else if let Some((name, rest)) = line.strip_prefix('@').and_then(|line| line.split_once(" = "))
            {
                let number = rest
                    .split_once(" i32 ")
                    .and_then(|(_, rest)| rest.split([',', ' ']).next()?.parse().ok());
                number.and_then(|number| module.integers.insert(name, number));
            } else if let Some((_, call)) = line.split_once("call ").filter(|_| line.contains('@')) {
                module.calls.insert(function(call)?.name, call);
            }
        }
        Ok(module)
    }

    /// The sizes of a sample's result and arguments, as far as they are there.
    pub(crate) fn sizes(&self, number: usize) -> Vec<u64> {
        let size = |index| self.integers.get(format!("s{number}_{index}").as_str()).copied();
        (0..).map_while(size).collect()
    }

    /// The call of the function of this number.
    pub(crate) fn call(&self, number: usize) -> Result<Call, String> {
        let name = format!("f{number}");
        let missing = || format!("no call of {name}");
        let text = self.calls.get(name.as_str()).ok_or_else(missing)?;
        let declared = self.declarations.get(name.as_str()).ok_or_else(missing)?;
        Ok(Call {
            result: self.result(function(declared)?.before)?,
            args: self.values(text)?,
            text: (*text).to_owned(),
        })
    }

    /// How many values clang makes of each argument of the function of this number, where nothing is before it: none, one,
    /// or those that a struct is taken apart into.
    pub(crate) fn shapes(&self, number: usize) -> Result<Vec<usize>, String> {
        let call = |kind, argument| self.calls.get(format!("{kind}{number}_{argument}").as_str());
        let alone = |argument| {
            let named = call('d', argument).map(|text| (0, text));
            named.or_else(|| call('t', argument).map(|text| (1, text)))
        };
        let mut shapes = Vec::new();
        while let Some((before, text)) = alone(shapes.len()) {
            shapes.push(self.values(text)?.len() - before);
        }
        Ok(shapes)
    }

    /// The arguments of a call.
    fn values(&self, text: &str) -> Result<Vec<Value>, String> {
        let args = function(text)?.behind;
        let end = closing(args).ok_or_else(|| format!("no end of '{args}'"))?;
        let values = split(&args[..end]).into_iter().map(|arg| {
            let (ty, rest) = self.ty(arg)?;
            Ok(Value { ty, attributes: rest.to_owned() })
        });
        values.collect()
    }

    /// A type behind its attributes.
    fn result(&self, text: &str) -> Result<Value, String> {
        let starts = text.match_indices(' ').map(|(at, _)| at + 1);
        for start in [0].into_iter().chain(starts) {
            if let Ok((ty, "")) = self.ty(&text[start..]) {
                return Ok(Value { ty, attributes: text[..start].to_owned() });
            }
        }
        Err(format!("no type in '{text}'"))
    }

    /// The type that a text begins with, and what is behind it.
    fn ty<'t>(&self, text: &'t str) -> Result<(Ty, &'t str), String> {
        let text = text.trim_start();
        let bad = || format!("no type: '{text}'");
        if let Some(inside) = text.strip_prefix("<{") {
            let end = closing(inside).ok_or_else(bad)?;
            return Ok((self.members(&inside[..end])?, inside[end + 1..].trim_start_matches('>')));
        }
        match text.chars().next().ok_or_else(bad)? {
            '{' => {
                let end = closing(&text[1..]).ok_or_else(bad)?;
                Ok((self.members(&text[1..=end])?, &text[end + 2..]))
            }
            open @ ('[' | '<') => {
                let end = closing(&text[1..]).ok_or_else(bad)?;
                let (count, element) = text[1..=end].split_once(" x ").ok_or_else(bad)?;
                let (count, element) = (count.parse().map_err(|_| bad())?, Box::new(self.ty(element)?.0));
                let ty = if open == '[' { Ty::Array(count, element) } else { Ty::Vector(count, element) };
                Ok((ty, &text[end + 2..]))
            }
            _ => {
                let end = text.find([' ', ',', ')', '}', ']', '>']).unwrap_or(text.len());
                let (word, rest) = text.split_at(end);
                let ty = match word {
                    "void" => Ty::Void,
                    "ptr" => Ty::Ptr,
                    "half" => Ty::Float(2),
                    "float" => Ty::Float(4),
                    "double" => Ty::Float(8),
                    "x86_fp80" => Ty::Float(10),
                    "fp128" => Ty::Float(16),
                    _ => match (word.strip_prefix('i').map(str::parse), word.strip_prefix('%')) {
                        (Some(Ok(bits)), _) => Ty::Int(bits),
                        (_, Some(name)) => self.ty(self.types.get(name).ok_or_else(bad)?)?.0,
                        _ => return Err(bad()),
                    },
                };
                Ok((ty, rest))
            }
        }
    }

    fn members(&self, text: &str) -> Result<Ty, String> {
        let members = split(text).into_iter().map(|member| self.ty(member).map(|(ty, _)| ty));
        members.collect::<Result<_, _>>().map(Ty::Struct)
    }
}

impl Ty {
    /// Its scalars and vectors, arrays and structs taken apart.
    pub(crate) fn flat(&self) -> Vec<&Ty> {
        match self {
            Ty::Void => Vec::new(),
            Ty::Int(_) | Ty::Ptr | Ty::Float(_) | Ty::Vector(..) => vec![self],
            Ty::Array(count, element) => (0..*count).flat_map(|_| element.flat()).collect(),
            Ty::Struct(members) => members.iter().flat_map(Ty::flat).collect(),
        }
    }

    /// The size of a scalar or vector in bytes; integers fill a power of two.
    pub(crate) fn size(&self) -> Option<u32> {
        match self {
            Ty::Int(bits) => Some(bits.div_ceil(8).next_power_of_two()),
            Ty::Ptr => Some(8),
            Ty::Float(size) => Some(*size),
            Ty::Vector(lanes, lane) => Some(lanes * lane.size()?),
            Ty::Void | Ty::Array(..) | Ty::Struct(_) => None,
        }
    }
}

/// A function that is declared or called.
struct Function<'t> {
    /// Its result, and what more is before the name.
    before: &'t str,
    /// As C has it.
    name: &'t str,
    /// Behind the bracket of its arguments.
    behind: &'t str,
}

fn function(text: &str) -> Result<Function<'_>, String> {
    let bad = || format!("no function in '{text}'");
    let (before, rest) = text.split_once('@').ok_or_else(bad)?;
    let (name, behind) = rest.split_once('(').ok_or_else(bad)?;
    // Windows' decorations: `"\01@f1@24"` of fastcall, `"\01_f1@24"` of stdcall.
    let name = name.trim_matches('"').trim_start_matches("\\01").trim_start_matches(['@', '_']);
    Ok(Function { before: before.trim_end(), name: name.split('@').next().unwrap_or(name), behind })
}

/// Where the bracket closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' if depth == 0 => return Some(at),
            b')' | b']' | b'}' | b'>' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between commas that are in no bracket.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}
