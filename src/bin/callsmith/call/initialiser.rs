//! Initialisers in braces: `{1, 2.5}`, `{.x = 1, .tags = {"a", "b"}, [2] = {0}}`.

use callsmith::arch::layout::MAX_DEPTH;

/// An initialiser.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Initialiser<'a> {
    /// Anything without braces, to be read by the type of what it initialises.
    Scalar(&'a str),
    /// A list in braces.
    List(Vec<Item<'a>>),
}

/// An entry of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Which member or element it is for; empty for the next one.
    pub(super) designators: Vec<Designator<'a>>,
    pub(super) value: Initialiser<'a>,
}

/// A step towards a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Designator<'a> {
    /// `.name`
    Member(&'a str),
    /// `[index]`
    Element(u64),
}

/// Reads an initialiser; fails with what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Initialiser<'_>, String> {
    let mut reader = Reader { rest: text.trim() };
    let initialiser = reader.initialiser(0)?;
    match reader.rest.trim_start() {
        "" => Ok(initialiser),
        rest => Err(format!("'{rest}' follows the closing brace")),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn initialiser(&mut self, depth: u16) -> Result<Initialiser<'a>, String> {
        if !self.take('{') {
            return self.scalar();
        }
        if depth == MAX_DEPTH {
            return Err(format!("braces nest more than {MAX_DEPTH} deep"));
        }
        let mut items = Vec::new();
        while !self.take('}') {
            let designators = self.designators()?;
            items.push(Item { designators, value: self.initialiser(depth + 1)? });
            if !self.take(',') && !self.rest.starts_with('}') {
                let found = self.rest.chars().next().map_or("its end".into(), |c| format!("'{c}'"));
                return Err(format!("',' or '}}' was expected in the initialiser, not {found}"));
            }
        }
        Ok(Initialiser::List(items))
    }

    /// Everything up to the `,` or `}` that ends it.
    fn scalar(&mut self) -> Result<Initialiser<'a>, String> {
        let mut quote = None;
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let ends = quote.is_none() && matches!(c, ',' | '}');
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open && !escaped => quote = None,
                (_, _) => {}
            }
            escaped = c == '\\' && !escaped;
            ends
        });
        let (scalar, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match scalar.trim() {
            "" => Err("a value is missing in the initialiser".into()),
            scalar => Ok(Initialiser::Scalar(scalar)),
        }
    }

    fn designators(&mut self) -> Result<Vec<Designator<'a>>, String> {
        let mut designators = Vec::new();
        // `.5` is a number.
        self.rest = self.rest.trim_start();
        while self.rest.starts_with('[')
            || (self.rest.starts_with('.') && !self.rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            designators.push(self.designator()?);
            self.rest = self.rest.trim_start();
        }
        if !designators.is_empty() && !self.take('=') {
            return Err("'=' was expected after the member's name".into());
        }
        Ok(designators)
    }

    fn designator(&mut self) -> Result<Designator<'a>, String> {
        if self.take('[') {
            let (index, rest) = self.rest.split_once(']').ok_or("']' is missing in the initialiser")?;
            self.rest = rest;
            let index =
                index.trim().parse().map_err(|_| format!("'{}' is no element's number", index.trim()))?;
            return Ok(Designator::Element(index));
        }
        self.take('.');
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Designator::Member(name))
    }

    /// Whether `wanted` comes next; it is taken then.
    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(wanted) {
            Some(after) => self.rest = after,
            None => self.rest = rest,
        }
        rest.starts_with(wanted)
    }
}
