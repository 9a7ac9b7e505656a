//! Tokens as text, in one way.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The text of `tokens`, which is stored: it is the same whatever compiler gave them.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(&mut text, tokens);
    text
}

/// The spaces are ours, not the compiler's: another compiler must not make a snapshot unusable.
fn write(text: &mut String, tokens: TokenStream) {
    let mut separated = false;
    for token in tokens {
        if separated || text.ends_with(is_word) && begins_word(&token) {
            text.push(' ');
        }
        separated = separates(&token, text);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(text, group.stream());
                text.push_str(close);
            }
            other => text.push_str(&other.to_string()),
        }
    }
}

/// Whether a space follows: after a comma and after a colon that is no half of `::`.
fn separates(token: &TokenTree, before: &str) -> bool {
    match token {
        TokenTree::Punct(mark) if mark.as_char() == ':' => mark.spacing() == Spacing::Alone && !before.ends_with(':'),
        TokenTree::Punct(mark) => mark.as_char() == ',',
        _ => false,
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '"' | ']')
}

fn begins_word(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_))
}
