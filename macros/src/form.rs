//! The grammar of what is said of older forms: `1 = WithdrawnV1, 2 = value(function)`.

use std::collections::{BTreeMap, HashMap};

use darling::{Error, Result};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    LitInt, Path, Token, parenthesized,
    parse::{Parse, ParseStream},
};

use crate::value::Version;

/// `1 = WithdrawnV1` or `1 = value(rename_amount)`.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) version: Version,
    pub(crate) step: Step,
    pub(crate) span: Span,
}

/// How a form is read.
#[derive(Clone)]
pub(crate) enum Step {
    /// As this type, which has a step of its own to what comes next.
    Typed(Path),
    /// As a tree, which this function makes the next form of.
    Value(Path),
}

impl Parse for Form {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let number: LitInt = input.parse()?;
        let version = number.base10_parse().map(Version);
        let version = version.map_err(|_| syn::Error::new(number.span(), "a version is a whole number from 1"))?;
        input.parse::<Token![=]>()?;
        let expected = "a type is expected here, or `value(function)`";
        let path: Path = input.parse().map_err(|error| syn::Error::new(error.span(), expected))?;
        let step = if path.is_ident("value") && input.peek(syn::token::Paren) {
            let function;
            parenthesized!(function in input);
            Step::Value(function.parse()?)
        } else {
            Step::Typed(path)
        };
        Ok(Self { version, step, span: number.span() })
    }
}

/// The forms by version, each once, older than `current`, each of a type of its own, trees before types.
pub(crate) fn in_order(forms: &[Form], current: Version) -> Result<Vec<Form>> {
    let mut ordered: BTreeMap<_, Form> = BTreeMap::new();
    let mut types = HashMap::new();
    for form in forms {
        let fail = |message: String| Err(Error::custom(message).with_span(&form.span));
        let number = form.version.0;
        if number == current.0 {
            return fail(format!("version {number} is the current one: it needs no step"));
        }
        if number > current.0 {
            return fail(format!("version {number} is newer than the current version {}", current.0));
        }
        if ordered.insert(number, form.clone()).is_some() {
            return fail(format!("version {number} has two steps"));
        }
        if let Step::Typed(path) = &form.step
            && let Some(first) = types.insert(path.to_token_stream().to_string(), number)
        {
            return fail(format!("version {first} has the same type: a step from a type to itself is a loop"));
        }
    }
    let ordered: Vec<Form> = ordered.into_values().collect();
    let mut before: Option<&Form> = None;
    for form in &ordered {
        if let (Step::Value(_), Some(Form { step: Step::Typed(_), version, .. })) = (&form.step, before) {
            let message = format!(
                "version {} is read as a tree, but version {} as a type: steps on trees come first",
                form.version.0, version.0
            );
            return Err(Error::custom(message).with_span(&form.span));
        }
        before = Some(form);
    }
    Ok(ordered)
}

/// Fails where the version after one of `forms` is missing, or the first where all must be there.
pub(crate) fn without_a_gap(forms: Vec<Form>, from_the_first: bool) -> Result<Vec<Form>> {
    let first = forms.first().map_or(1, |form| form.version.0.get());
    let expected = if from_the_first { 1 } else { first };
    match forms.iter().zip(expected..).find(|(form, expected)| form.version.0.get() != *expected) {
        Some((form, missing)) => {
            let message = format!("version {missing} has no step: there is a gap before version {}", form.version.0);
            Err(Error::custom(message).with_span(&form.span))
        }
        None => Ok(forms),
    }
}
