//! The mistakes that can be seen in a row, and what is sure when there are none.

use darling::{Error, Result};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Ident, Member, ext::IdentExt, parse_quote, spanned::Spanned};

use super::{
    ast::{RowField, RowStruct},
    attr::{FieldIndex, FieldsIndex},
};
use crate::{
    name::{INDEX, TABLE, snake_case},
    shape,
    value::Text,
};

/// The most fields of a key or an index: larger tuples are no keys.
const FIELDS_MAX: usize = 6;

/// A row in order.
pub(super) struct Valid<'a> {
    pub(super) table: &'a str,
    pub(super) key: Vec<&'a RowField<'a>>,
    pub(super) indexes: Vec<Index<'a>>,
    /// What it is stored as, an expression.
    pub(super) shape: TokenStream,
}

/// An index.
pub(super) struct Index<'a> {
    pub(super) name: Text,
    pub(super) is_unique: bool,
    pub(super) fields: Vec<&'a RowField<'a>>,
}

pub(super) fn check<'a>(row: &'a RowStruct<'_>) -> Result<Valid<'a>> {
    let mut errors = Error::accumulator();
    let table = errors.handle(table(row));
    let key = errors.handle(key(row));
    let indexes = errors.handle(indexes(row));
    let root = &row.root;
    let shape = errors.handle(shape::of_type(&parse_quote!(#root::derived), row.input));
    errors.finish()?;
    match (table, key, indexes, shape) {
        (Some(table), Some(key), Some(indexes), Some(shape)) => Ok(Valid { table, key, indexes, shape }),
        _ => Err(Error::custom("the row lacks a table or a key")),
    }
}

fn table<'a>(row: &'a RowStruct<'_>) -> Result<&'a str> {
    let Some(table) = &row.attr.table else {
        let ident = &row.input.ident;
        let message = format!("the row has no table: `#[row(table = \"{}s\")]` names it", snake_case(ident));
        return Err(Error::custom(message).with_span(ident));
    };
    TABLE.check_text(table)?;
    Ok(&table.text)
}

pub(super) fn key<'a>(row: &'a RowStruct<'_>) -> Result<Vec<&'a RowField<'a>>> {
    let key: Vec<_> = row.fields.iter().filter(|field| field.attr.key.is_present()).collect();
    if key.is_empty() {
        let message = "the row has no key: mark the field that tells one row from another with `#[row(key)]`";
        return Err(Error::custom(message).with_span(&row.input.ident));
    }
    check_count(&key, row.input.ident.span(), "key")?;
    Ok(key)
}

/// Those of single fields first, in the order of the fields.
pub(super) fn indexes<'a>(row: &'a RowStruct<'_>) -> Result<Vec<Index<'a>>> {
    let mut errors = Error::accumulator();
    let mut indexes = Vec::new();
    for field in &row.fields {
        for (attr, is_unique) in [(&field.attr.index, false), (&field.attr.unique, true)] {
            let index = attr.as_ref().map(|attr| of_field(field, attr, is_unique));
            indexes.extend(index.and_then(|index| errors.handle(index)));
        }
    }
    for (attrs, is_unique) in [(&row.attr.index, false), (&row.attr.unique, true)] {
        indexes.extend(attrs.iter().filter_map(|attr| errors.handle(of_fields(row, attr, is_unique))));
    }
    errors.handle(check_different(&indexes));
    errors.finish_with(indexes)
}

fn of_field<'a>(field: &'a RowField<'a>, attr: &FieldIndex, is_unique: bool) -> Result<Index<'a>> {
    let name = match (&attr.name, &field.member) {
        (Some(name), _) => Text { text: name.text.clone(), span: name.span },
        (None, Member::Named(ident)) => Text { text: ident.unraw().to_string(), span: ident.span() },
        (None, Member::Unnamed(_)) => {
            let message = "a field without a name needs one for its index: `index = \"..\"`";
            return Err(Error::custom(message).with_span(&attr.span));
        }
    };
    INDEX.check_text(&name)?;
    Ok(Index { name, is_unique, fields: vec![field] })
}

fn of_fields<'a>(row: &'a RowStruct<'_>, attr: &FieldsIndex, is_unique: bool) -> Result<Index<'a>> {
    let mut errors = Error::accumulator();
    errors.handle(INDEX.check_text(&attr.name));
    let mut fields = Vec::new();
    for member in &attr.fields.members {
        match row.fields.iter().find(|field| field.member == *member) {
            Some(field) => fields.push(field),
            None => {
                let message = format!("the row has no field `{}`", member.to_token_stream());
                errors.push(Error::custom(message).with_span(member));
            }
        }
    }
    if attr.fields.members.is_empty() {
        errors.push(Error::custom("an index is of at least one field").with_span(&attr.fields.span));
    }
    errors.handle(check_count(&fields, attr.fields.span, "index"));
    let name = Text { text: attr.name.text.clone(), span: attr.name.span };
    errors.finish_with(Index { name, is_unique, fields })
}

fn check_count(fields: &[&RowField<'_>], place: Span, what: &str) -> Result<()> {
    if fields.len() <= FIELDS_MAX {
        return Ok(());
    }
    let place = fields.get(FIELDS_MAX).filter(|_| what == "key").map_or(place, |field| field.field.span());
    let message = format!("the {what} has {} fields, at most {FIELDS_MAX} are allowed", fields.len());
    Err(Error::custom(message).with_span(&place))
}

/// Two names that differ in `-` and `_` alone would be one constant.
fn check_different(indexes: &[Index<'_>]) -> Result<()> {
    let mut errors = Error::accumulator();
    for (number, index) in indexes.iter().enumerate() {
        let before = indexes.iter().take(number);
        if let Some(other) = before.into_iter().find(|other| other.constant() == index.constant()) {
            let (name, constant) = (&other.name.text, index.constant());
            let message = format!("there is an index {name:?} already, `{constant}`: give this one another name");
            errors.push(Error::custom(message).with_span(&index.name.span));
        }
    }
    errors.finish()
}

impl Index<'_> {
    /// `BY_OWNER_AMOUNT`.
    pub(super) fn constant(&self) -> Ident {
        let name = self.name.text.to_ascii_uppercase().replace('-', "_");
        Ident::new(&format!("BY_{name}"), self.name.span)
    }
}
