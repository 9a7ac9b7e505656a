//! Shapes from their text.

use std::{collections::BTreeMap, str::FromStr};

use thiserror::Error;

use super::{
    Enum, Field, Integer, Name, Record, Schema, Shape, Tagging, Variant,
    token::{Token, tokens},
};

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 128;

/// A text that is no shape. Correct it where the message points to, or have it written anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the text of a shape has at line {line}, column {column} {problem}")]
pub struct InvalidShape {
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: ShapeProblem,
}

/// What is wrong with the text of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeProblem {
    /// Something else should stand here.
    #[error("{found}, expected {expected}")]
    Unexpected {
        /// What stands here.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Shapes are nested too deeply.
    #[error("a shape that is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// A number is too large.
    #[error("the length {found}, which no list has")]
    TooLong {
        /// The number.
        found: String,
    },
    /// Two fields or variants, or two types, have this name.
    #[error("the name {name} for a second time")]
    Repeated {
        /// The name.
        name: Name,
    },
    /// A type has no line of its own that says what it is.
    #[error("the type {name}, but no line `{name} = ..`")]
    Undefined {
        /// The type.
        name: Name,
    },
}

impl FromStr for Shape {
    type Err = InvalidShape;

    /// Reads one shape; the types that it names need not be known.
    fn from_str(text: &str) -> Result<Self, InvalidShape> {
        let mut parser = Parser::new(text);
        let shape = parser.shape()?;
        parser.end()?;
        Ok(shape)
    }
}

impl FromStr for Schema {
    type Err = InvalidShape;

    /// Reads a shape and the types that it names, each of which must be there.
    fn from_str(text: &str) -> Result<Self, InvalidShape> {
        let mut parser = Parser::new(text);
        let shape = parser.shape()?;
        let mut types = BTreeMap::new();
        while parser.peek() != &Token::End {
            let at = parser.next;
            let name = parser.name("a line `name = shape`, or the end")?;
            parser.expect("=", "a `=` behind the name of a type")?;
            let named = parser.shape()?;
            if types.insert(name.clone(), named).is_some() {
                return Err(parser.problem(at, ShapeProblem::Repeated { name }));
            }
        }
        match parser.references.iter().find(|(_, name)| !types.contains_key(name)) {
            Some((at, name)) => Err(parser.problem(*at, ShapeProblem::Undefined { name: name.clone() })),
            None => Ok(Self { shape, types }),
        }
    }
}

/// Whether a bare `word` means something else than the type of that name.
pub(super) fn is_keyword(word: &str) -> bool {
    plain(word).is_some() || matches!(word, "map" | "enum" | "union" | "opaque")
}

/// The shape that one word says.
fn plain(word: &str) -> Option<Shape> {
    Some(match word {
        "unit" => Shape::Unit,
        "bool" => Shape::Bool,
        "f32" => Shape::F32,
        "f64" => Shape::F64,
        "char" => Shape::Char,
        "text" => Shape::Text,
        "bytes" => Shape::Bytes,
        "uuid" => Shape::Uuid,
        _ => Shape::Integer(Integer::ALL.into_iter().find(|integer| integer.as_str() == word)?),
    })
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    /// The token that comes next.
    next: usize,
    depth: usize,
    /// The types that are named, each with its token.
    references: Vec<(usize, Name)>,
}

type Parsed<T> = Result<T, InvalidShape>;

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, tokens: tokens(text), next: 0, depth: 0, references: Vec::new() }
    }

    fn shape(&mut self) -> Parsed<Shape> {
        if self.depth == DEPTH_MAX {
            return Err(self.problem(self.next, ShapeProblem::TooDeep));
        }
        self.depth += 1;
        let mut shape = self.without_option()?;
        while self.take("?") {
            shape = Shape::option(shape);
        }
        self.depth -= 1;
        Ok(shape)
    }

    fn without_option(&mut self) -> Parsed<Shape> {
        let at = self.next;
        match self.advance() {
            Token::Word(word) => self.word(at, &word),
            Token::Quoted(name) => Ok(self.reference(at, name.into())),
            Token::Mark("[") => self.list(),
            Token::Mark("(") => Ok(Shape::Tuple(self.shapes()?)),
            Token::Mark("{") => Ok(self.record("}")?.into()),
            Token::Mark("{|") => Ok(self.record("|}")?.exact().into()),
            _ => Err(self.unexpected(at, "a shape")),
        }
    }

    fn word(&mut self, at: usize, word: &str) -> Parsed<Shape> {
        match word {
            "bytes" if self.take("(") => {
                let length = self.number()?;
                self.expect(")", "a `)`")?;
                Ok(Shape::FixedBytes(length))
            }
            "map" => {
                self.expect("(", "a `(`")?;
                let key = self.shape()?;
                self.expect(",", "a `,` between key and value")?;
                let value = self.shape()?;
                self.expect(")", "a `)`")?;
                Ok(Shape::map(key, value))
            }
            "union" => {
                self.expect("(", "a `(`")?;
                self.shapes().map(Shape::Union)
            }
            "opaque" => {
                self.expect("(", "a `(`")?;
                let written = self.name("a type in quotes")?;
                self.expect(")", "a `)`")?;
                Ok(Shape::Opaque(written))
            }
            "enum" => self.enumeration().map(Shape::Enum),
            _ => Ok(plain(word).unwrap_or_else(|| self.reference(at, word.into()))),
        }
    }

    fn reference(&mut self, at: usize, name: Name) -> Shape {
        self.references.push((at, name.clone()));
        Shape::Named(name)
    }

    fn list(&mut self) -> Parsed<Shape> {
        let item = self.shape()?;
        if self.take("]") {
            return Ok(Shape::list(item));
        }
        self.expect(";", "a `]`, or a `;` and a length")?;
        let length = self.number()?;
        self.expect("]", "a `]`")?;
        Ok(Shape::array(item, length))
    }

    /// Shapes up to a `)`.
    fn shapes(&mut self) -> Parsed<Vec<Shape>> {
        self.entries(")", Self::shape)
    }

    fn record(&mut self, close: &'static str) -> Parsed<Record> {
        let mut record = Record::default();
        let mut names = Names::default();
        for entry in self.entries(close, |parser| parser.field(&mut names))? {
            match entry {
                Entry::Own(field) => record.fields.push(field),
                Entry::Flattened(part) => record.flattened.push(part),
            }
        }
        Ok(record)
    }

    fn field(&mut self, names: &mut Names) -> Parsed<Entry> {
        if self.take("..") {
            return self.shape().map(Entry::Flattened);
        }
        let (name, aliases) = self.names(names, "a field or `..`")?;
        let may_be_left_out = self.take("?");
        let is_required = self.take("!");
        self.expect(":", "a `:` behind the name of a field")?;
        let shape = self.shape()?;
        let has_default = self.default()? || matches!(shape, Shape::Option(_)) && !is_required;
        Ok(Entry::Own(Field { name, aliases, shape, has_default, may_be_left_out }))
    }

    fn enumeration(&mut self) -> Parsed<Enum> {
        let mut tagging = Tagging::External;
        if self.take("(") {
            let tag = self.name("the field of the variant's name")?;
            tagging = Tagging::Internal { tag: tag.clone() };
            if self.take(",") {
                tagging = Tagging::Adjacent { tag, content: self.name("the field of the content")? };
            }
            self.expect(")", "a `)`")?;
        }
        self.expect("{", "a `{`")?;
        let mut names = Names::default();
        let variants = self.entries("}", |parser| parser.variant(&mut names))?;
        Ok(Enum { tagging, variants })
    }

    fn variant(&mut self, names: &mut Names) -> Parsed<Variant> {
        let (name, aliases) = self.names(names, "a variant")?;
        let content = if self.take(":") { Some(self.shape()?) } else { None };
        let is_default = self.default()?;
        Ok(Variant { name, aliases, content, is_default })
    }

    /// A name and its aliases, none of which occurs in `taken`.
    fn names(&mut self, taken: &mut Names, expected: &'static str) -> Parsed<(Name, Vec<Name>)> {
        let name = self.unique(taken, expected)?;
        let mut aliases = Vec::new();
        while self.take("|") {
            aliases.push(self.unique(taken, "another name")?);
        }
        Ok((name, aliases))
    }

    fn unique(&mut self, taken: &mut Names, expected: &'static str) -> Parsed<Name> {
        let at = self.next;
        let name = self.name(expected)?;
        match taken.insert(name.clone()) {
            true => Ok(name),
            false => Err(self.problem(at, ShapeProblem::Repeated { name })),
        }
    }

    /// Whether ` = default` follows.
    fn default(&mut self) -> Parsed<bool> {
        if !self.take("=") {
            return Ok(false);
        }
        let at = self.next;
        match self.advance() {
            Token::Word(word) if word == "default" => Ok(true),
            _ => Err(self.unexpected(at, "the word `default`")),
        }
    }

    /// Entries with commas between them, up to and with `close`; a comma may stand behind the last one.
    fn entries<T>(&mut self, close: &'static str, mut entry: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut entries = Vec::new();
        while !self.take(close) {
            entries.push(entry(self)?);
            if !self.take(",") {
                self.expect(close, "a `,` or the closing bracket")?;
                break;
            }
        }
        Ok(entries)
    }

    fn name(&mut self, expected: &'static str) -> Parsed<Name> {
        let at = self.next;
        match self.advance() {
            Token::Word(name) | Token::Quoted(name) => Ok(name.into()),
            _ => Err(self.unexpected(at, expected)),
        }
    }

    fn number(&mut self) -> Parsed<usize> {
        let at = self.next;
        match self.advance() {
            Token::Number(digits) => {
                digits.parse().map_err(|_| self.problem(at, ShapeProblem::TooLong { found: digits }))
            }
            _ => Err(self.unexpected(at, "a length")),
        }
    }

    fn end(&self) -> Parsed<()> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.unexpected(self.next, "the end")),
        }
    }

    fn expect(&mut self, mark: &'static str, expected: &'static str) -> Parsed<()> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(self.next, expected)) }
    }

    fn take(&mut self, mark: &'static str) -> bool {
        let is_next = self.peek() == &Token::Mark(mark);
        self.next += usize::from(is_next);
        is_next
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn unexpected(&self, at: usize, expected: &'static str) -> InvalidShape {
        let found = match self.tokens.get(at).map_or(&Token::End, |(_, token)| token) {
            Token::Word(word) | Token::Number(word) => format!("`{word}`"),
            Token::Quoted(name) => format!("{name:?}"),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::Strange('"') => "a quote that does not end".to_owned(),
            Token::Strange('\\') => "a `\\` that escapes nothing".to_owned(),
            Token::Strange(character) => format!("the character {character:?}"),
            Token::End => "its end".to_owned(),
        };
        self.problem(at, ShapeProblem::Unexpected { found, expected })
    }

    fn problem(&self, at: usize, problem: ShapeProblem) -> InvalidShape {
        let at = self.tokens.get(at).map_or(self.text.len(), |(at, _)| *at);
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        InvalidShape { line, column, problem }
    }
}

/// What stands in a record.
enum Entry {
    Own(Field),
    Flattened(Shape),
}

/// The names that were used already.
type Names = std::collections::HashSet<Name>;
