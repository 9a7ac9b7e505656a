//! The text of a shape in tokens.

use std::{iter::Peekable, str::CharIndices};

use super::name::{begins_word, continues_word};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits and `_`, not beginning with a digit.
    Word(String),
    /// A name in quotes, without them.
    Quoted(String),
    /// A number.
    Number(String),
    /// Anything else, one or two characters.
    Mark(&'static str),
    /// A character that begins no token.
    Strange(char),
    /// Behind the last one.
    End,
}

/// The marks, the longer ones first.
const MARKS: [&str; 17] = ["{|", "|}", "..", "{", "}", "[", "]", "(", ")", ",", ":", ";", "=", "?", "!", "|", "."];

/// The tokens of `text`, each with the byte at which it begins, and [`Token::End`] at the end.
pub(super) fn tokens(text: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, first)) = rest.peek().copied() {
        if first.is_whitespace() {
            rest.next();
            continue;
        }
        tokens.push((at, token(text, at, first, &mut rest)));
    }
    tokens.push((text.len(), Token::End));
    tokens
}

fn token(text: &str, at: usize, first: char, rest: &mut Peekable<CharIndices<'_>>) -> Token {
    if begins_word(first) {
        return Token::Word(take_while(rest, continues_word));
    }
    if first.is_ascii_digit() {
        return Token::Number(take_while(rest, |next| next.is_ascii_digit()));
    }
    rest.next();
    if first == '"' {
        return quoted(rest);
    }
    let Some(mark) = MARKS.into_iter().find(|mark| text.get(at..).is_some_and(|text| text.starts_with(mark))) else {
        return Token::Strange(first);
    };
    if mark.len() > 1 {
        rest.next();
    }
    Token::Mark(mark)
}

fn take_while(rest: &mut Peekable<CharIndices<'_>>, holds: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some((_, next)) = rest.next_if(|(_, next)| holds(*next)) {
        taken.push(next);
    }
    taken
}

/// What stands between the quote that was read and the next; an open end or an unknown escape is strange.
fn quoted(rest: &mut Peekable<CharIndices<'_>>) -> Token {
    let mut name = String::new();
    while let Some((_, next)) = rest.next() {
        match next {
            '"' => return Token::Quoted(name),
            '\\' => match escaped(rest) {
                Some(character) => name.push(character),
                None => return Token::Strange('\\'),
            },
            other => name.push(other),
        }
    }
    Token::Strange('"')
}

fn escaped(rest: &mut Peekable<CharIndices<'_>>) -> Option<char> {
    match rest.next()?.1 {
        character @ ('"' | '\\') => Some(character),
        'u' => {
            rest.next_if(|(_, next)| *next == '{')?;
            let digits = take_while(rest, |next| next.is_ascii_hexdigit());
            rest.next_if(|(_, next)| *next == '}')?;
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        }
        _ => None,
    }
}
