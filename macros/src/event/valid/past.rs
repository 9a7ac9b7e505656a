//! The mistakes that can be seen in what an enum says of its past.

use std::collections::HashMap;

use darling::{Error, Result, error::Accumulator};
use proc_macro2::Span;
use syn::{Fields, Ident, Type, ext::IdentExt};

use super::Kind;
use crate::{
    event::{
        ast::{EventEnum, EventVariant},
        attr::{From, Split},
    },
    form::{Form, Step, in_order, without_a_gap},
    name::STORED,
    value::{Text, Version},
};

/// What was stored in the past under one name, in ascending versions without a gap, and what it is read as today.
pub(in crate::event) struct Chain<'a> {
    pub(in crate::event) name: String,
    pub(in crate::event) forms: Vec<Form>,
    pub(in crate::event) target: Target<'a>,
}

/// What the last step of a chain gives.
pub(in crate::event) enum Target<'a> {
    /// The event of this kind.
    Event { kind: usize },
    /// The one unnamed field of the event of this kind.
    Payload { kind: usize, variant: &'a Ident, payload: &'a Type },
    /// Several events, of these kinds.
    Events { kinds: Vec<usize> },
}

/// Whose a stored name is, as messages call it.
type Names = HashMap<String, String>;

/// Checks aliases, retired names and forms of the past, of an enum whose kinds are in order.
pub(super) fn check<'a>(events: &EventEnum<'a>, kinds: &[Kind<'a>]) -> Result<Vec<Chain<'a>>> {
    let mut errors = Error::accumulator();
    let mut names: Names =
        kinds.iter().map(|kind| (kind.name.clone(), format!("the stored name of `{}`", kind.ident))).collect();
    check_names(events, &mut names, &mut errors);
    let mut chains = Vec::new();
    for (index, (variant, kind)) in events.variants.iter().zip(kinds).enumerate() {
        let older = older_forms(events, variant, kind, &mut errors);
        chains.extend(older.map(|(name, forms)| Chain { name, forms, target: target(variant, index) }));
        for from in variant.attr.from.iter().filter(|from| from.name.is_some()) {
            let chain = errors.handle(others_forms(from, kind, &mut names));
            chains.extend(chain.map(|(name, forms)| Chain { name, forms, target: target(variant, index) }));
        }
    }
    for split in &events.attr.split {
        chains.extend(errors.handle(split_forms(split, kinds, &mut names)));
    }
    errors.finish_with(chains)
}

/// Checks the names that stand for no form of their own.
fn check_names(events: &EventEnum<'_>, names: &mut Names, errors: &mut Accumulator) {
    for variant in &events.variants {
        for alias in &variant.attr.alias {
            errors.handle(take(names, alias, format!("an alias of `{}`", variant.syntax.ident)));
        }
    }
    for retired in events.attr.retired.iter().flat_map(|retired| &retired.0) {
        errors.handle(take(names, retired, "retired".to_owned()));
    }
}

fn take(names: &mut Names, name: &Text, whose: String) -> Result<()> {
    STORED.check_text(name)?;
    if let Some(first) = names.get(&name.text) {
        let message = format!("{:?} is {first} already", name.text);
        return Err(Error::custom(message).with_span(&name.span));
    }
    names.insert(name.text.clone(), whose);
    Ok(())
}

fn target<'a>(variant: &EventVariant<'a>, kind: usize) -> Target<'a> {
    let syntax: &'a syn::Variant = variant.syntax;
    match &syntax.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => match fields.unnamed.first() {
            Some(field) => Target::Payload { kind, variant: &syntax.ident, payload: &field.ty },
            None => Target::Event { kind },
        },
        _ => Target::Event { kind },
    }
}

/// The versions of a variant that came before today's: each is in `from(..)`, is split, or was never stored.
fn older_forms(
    events: &EventEnum<'_>,
    variant: &EventVariant<'_>,
    kind: &Kind<'_>,
    errors: &mut Accumulator,
) -> Option<(String, Vec<Form>)> {
    let mut own = variant.attr.from.iter().filter(|from| from.name.is_none());
    let from = own.next();
    if let Some(second) = own.next() {
        let message = "the older versions of a variant stand in one `from(..)`";
        errors.push(Error::custom(message).with_span(&second.span));
        return None;
    }
    let since = since(variant, kind, errors)?;
    let forms = from.map_or(&[][..], |from| &from.forms);
    let forms = errors.handle(in_order(forms, kind.version))?;
    let splits = events.attr.split.iter().filter(|split| split.name.text == kind.name);
    let split: Vec<Version> = splits.flat_map(|split| split.forms.iter().map(|form| form.version)).collect();
    let mut is_sound = true;
    let mut fail = |message: String, span: Span| {
        is_sound = false;
        errors.push(Error::custom(message).with_span(&span));
    };
    for form in &forms {
        if form.version.0.get() < since {
            fail(format!("version {} is older than `since = {since}`", form.version.0), form.span);
        } else if split.contains(&form.version) {
            fail(format!("version {} of {:?} is split already", form.version.0, kind.name), form.span);
        }
    }
    let has_step = |version: u32| {
        forms.iter().map(|form| form.version).chain(split.iter().copied()).any(|with| with.0.get() == version)
    };
    if let Some(missing) = (since..kind.version.0.get()).rev().find(|version| !has_step(*version)) {
        let message = format!(
            "version {missing} of {:?} has no step: add `{missing} = ..` to `from(..)`, or say `since = {}` if nothing older was ever stored",
            kind.name,
            missing + 1
        );
        let span = variant.attr.version.map_or(kind.ident.span(), |version| version.span);
        fail(message, from.map_or(span, |from| from.span));
    }
    (is_sound && !forms.is_empty()).then(|| (kind.name.clone(), forms))
}

/// The oldest version that was ever stored.
fn since(variant: &EventVariant<'_>, kind: &Kind<'_>, errors: &mut Accumulator) -> Option<u32> {
    let Some(since) = variant.attr.since else { return Some(1) };
    if since.version > kind.version {
        let message = format!("`since = {}` is newer than the current version {}", since.version.0, kind.version.0);
        errors.push(Error::custom(message).with_span(&since.span));
        return None;
    }
    Some(since.version.0.get())
}

/// The versions of what was another event.
fn others_forms(from: &From, kind: &Kind<'_>, names: &mut Names) -> Result<(String, Vec<Form>)> {
    let Some(name) = &from.name else { return Err(Error::custom("a stored name is expected here")) };
    take(names, name, format!("read as `{}`", kind.ident))?;
    Ok((name.text.clone(), from_the_first(name, &from.forms)?))
}

fn split_forms<'a>(split: &Split, kinds: &[Kind<'a>], names: &mut Names) -> Result<Chain<'a>> {
    let kinds_of = |ident: &Ident| {
        let found = kinds.iter().position(|kind| kind.ident == ident);
        found.ok_or_else(|| Error::custom(format!("there is no variant `{}`", ident.unraw())).with_span(ident))
    };
    let into: Vec<usize> = split.into.iter().map(kinds_of).collect::<Result<_>>()?;
    if into.is_empty() {
        let message = "`into(..)` names the variants that it is split into";
        return Err(Error::custom(message).with_span(&split.name.span));
    }
    if let Some(Form { step: Step::Value(_), span, .. }) = split.forms.last() {
        let message =
            "the last step of a split goes from a type into a `Vec` of events: name a type in place of `value(..)`";
        return Err(Error::custom(message).with_span(span));
    }
    let forms = match kinds.iter().find(|kind| kind.name == split.name.text) {
        Some(kind) => without_a_gap(in_order(&split.forms, kind.version)?, false)?,
        None => {
            take(names, &split.name, "split".to_owned())?;
            from_the_first(&split.name, &split.forms)?
        }
    };
    Ok(Chain { name: split.name.text.clone(), forms, target: Target::Events { kinds: into } })
}

fn from_the_first(name: &Text, forms: &[Form]) -> Result<Vec<Form>> {
    if forms.is_empty() {
        let message = format!("{:?} has no steps: name the type of each version, `1 = ..`", name.text);
        return Err(Error::custom(message).with_span(&name.span));
    }
    without_a_gap(in_order(forms, Version::LAST)?, true)
}
