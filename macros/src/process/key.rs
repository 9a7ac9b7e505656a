//! What the key is made of by which events belong together.

use darling::{Error, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, Ident, ext::IdentExt};

use crate::handler::pattern::Pattern;

/// What stands for the event's context.
pub(crate) const CONTEXT: &str = "cx";

/// Refuses what is neither bound by `pattern` nor the context, where it can be nothing else. The rest is rustc's to say.
pub(crate) fn check(key: &Expr, pattern: &Pattern) -> Result<()> {
    let Some(name) = root(key).filter(|name| !pattern.bindings.contains(name) && *name != CONTEXT) else {
        return Ok(());
    };
    let message = if name == "self" {
        "there is no `self` where the key is told: a key is made of what the pattern binds, and of `cx`".to_owned()
    } else {
        format!("`{name}` is not bound by `{}`: a key is made of what the pattern binds, and of `cx`", pattern.name())
    };
    Err(Error::custom(message).with_span(name))
}

/// The variable that the expression begins with. Constants are written in capitals.
fn root(key: &Expr) -> Option<&Ident> {
    match key {
        Expr::Path(path) => path.path.get_ident().filter(|name| begins_lower(name)),
        Expr::Field(field) => root(&field.base),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Index(index) => root(&index.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Unary(unary) => root(&unary.expr),
        Expr::Try(tried) => root(&tried.expr),
        Expr::Paren(inner) => root(&inner.expr),
        Expr::Group(inner) => root(&inner.expr),
        _ => None,
    }
}

fn begins_lower(name: &Ident) -> bool {
    name.unraw().to_string().starts_with(|first: char| first.is_lowercase() || first == '_')
}

/// Where `key` names `name`, also in what a macro is given, be it in a text to be formatted.
pub(crate) fn named(key: &Expr, name: &(impl ToString + ?Sized)) -> Option<Ident> {
    find(key.to_token_stream(), &name.to_string())
}

fn find(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == name).then_some(ident),
        TokenTree::Group(group) => find(group.stream(), name),
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let named = |end| text.contains(&format!("{{{name}{end}"));
            (named('}') || named(':')).then(|| Ident::new(name.trim_start_matches("r#"), literal.span()))
        }
        TokenTree::Punct(_) => None,
    })
}
