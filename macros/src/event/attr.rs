//! The grammar of `#[event(..)]` and `#[tag]`.

use darling::{FromAttributes, FromMeta, Result};
use proc_macro2::Span;
use syn::{
    Expr, Ident, LitInt, LitStr, Meta, Token, parenthesized, parse::ParseStream, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    attr::listed,
    form::Form,
    value::{PlacedVersion, Text, TypePath},
};

/// `#[event(..)]` on the enum.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct EnumAttr {
    pub(super) prefix: Option<Text>,
    pub(super) retired: Option<Retired>,
    #[darling(multiple)]
    pub(super) split: Vec<Split>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// `#[event(..)]` on a variant.
#[derive(Default, FromAttributes)]
#[darling(attributes(event), default)]
pub(super) struct VariantAttr {
    pub(super) name: Option<Text>,
    pub(super) version: Option<PlacedVersion>,
    pub(super) since: Option<PlacedVersion>,
    #[darling(multiple)]
    pub(super) alias: Vec<Text>,
    #[darling(multiple)]
    pub(super) from: Vec<From>,
    #[darling(multiple)]
    pub(super) example: Vec<Example>,
}

/// `#[tag]` or `#[tag(..)]` on a field.
#[derive(Default, FromAttributes)]
#[darling(attributes(tag), default)]
pub(super) struct TagAttr {
    pub(super) name: Option<Text>,
}

/// `example = AccountEvent::Closed {}`.
pub(super) struct Example(pub(super) Expr);

/// `retired("account.frozen", ..)`: stored names that are read as nothing.
pub(super) struct Retired(pub(super) Vec<Text>);

/// `from(1 = WithdrawnV1, 2 = WithdrawnV2)`, or with a stored name in front that was another event's.
pub(super) struct From {
    pub(super) name: Option<Text>,
    pub(super) forms: Vec<Form>,
    pub(super) span: Span,
}

/// `split("account.moved", 1 = MovedV1, into(Withdrawn, Deposited))`.
pub(super) struct Split {
    pub(super) name: Text,
    pub(super) forms: Vec<Form>,
    pub(super) into: Vec<Ident>,
}

impl FromMeta for Example {
    fn from_expr(expr: &Expr) -> Result<Self> {
        Ok(Self(expr.clone()))
    }
}

impl FromMeta for Retired {
    fn from_meta(item: &Meta) -> Result<Self> {
        let names =
            listed(item, Punctuated::<LitStr, Token![,]>::parse_terminated, "`retired(\"account.frozen\", ..)`")?;
        Ok(Self(names.iter().map(text).collect()))
    }
}

impl FromMeta for From {
    fn from_meta(item: &Meta) -> Result<Self> {
        let (name, forms) = listed(item, parse_from, "`from(1 = WithdrawnV1, ..)`")?;
        Ok(Self { name, forms, span: item.path().span() })
    }
}

impl FromMeta for Split {
    fn from_meta(item: &Meta) -> Result<Self> {
        listed(item, parse_split, "`split(\"account.moved\", 1 = MovedV1, into(Withdrawn, Deposited))`")
    }
}

fn parse_from(input: ParseStream<'_>) -> syn::Result<(Option<Text>, Vec<Form>)> {
    let name = if input.peek(LitStr) { Some(parse_name(input)?) } else { None };
    let forms = Punctuated::<Form, Token![,]>::parse_terminated(input)?;
    Ok((name, forms.into_iter().collect()))
}

fn parse_split(input: ParseStream<'_>) -> syn::Result<Split> {
    let name = parse_name(input)?;
    let mut forms = Vec::new();
    while input.peek(LitInt) {
        forms.push(input.parse()?);
        input.parse::<Token![,]>()?;
    }
    let into: Ident = input.parse()?;
    if into != "into" {
        return Err(syn::Error::new(
            into.span(),
            "`into(..)` is expected here, with the variants that it is split into",
        ));
    }
    let variants;
    parenthesized!(variants in input);
    let variants = Punctuated::<Ident, Token![,]>::parse_terminated(&variants)?;
    input.parse::<Option<Token![,]>>()?;
    Ok(Split { name, forms, into: variants.into_iter().collect() })
}

/// A name, and the comma behind it if there is more.
fn parse_name(input: ParseStream<'_>) -> syn::Result<Text> {
    let name = input.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(text(&name))
}

fn text(name: &LitStr) -> Text {
    Text { text: name.value(), span: name.span() }
}
