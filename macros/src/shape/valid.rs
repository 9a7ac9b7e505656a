//! What a type is stored as by serde's attributes, and those that make something that cannot be read back.

use darling::{Error, Result};
use quote::ToTokens;
use syn::{Attribute, Data, DataEnum, DeriveInput, Fields, Ident, Type, ext::IdentExt, parse_quote};

use super::{
    case::Case,
    form::{Enum, Field, Form, Part, Record, Variant},
    serde::Told,
};
use crate::tokens;

/// The form of a type.
pub(super) fn form(input: &DeriveInput) -> Result<Form> {
    let told = Told::of(&input.attrs);
    if let Some(part) = conversion(&input.ident, &told) {
        return Ok(Form::Inside(part));
    }
    match &input.data {
        Data::Struct(data) if told.has("transparent") => transparent(&data.fields),
        Data::Struct(data) => structure(&input.ident, &told, &data.fields),
        Data::Enum(data) => enumeration(&told, data),
        Data::Union(_) => Err(Error::custom("a union has no shape").with_span(&input.ident)),
    }
}

/// The form of the content of an enum's variant when it is stored without its name: an empty map when it has none.
pub(super) fn content_of(enum_attrs: &[Attribute], variant: &syn::Variant) -> Result<Form> {
    let told = Told::of(enum_attrs);
    let content = content(&told, variant)?;
    Ok(content.unwrap_or_else(|| Form::Record(Record::default())))
}

/// What `serde(from, try_from, into)` make of it: the form of another type when it is one for both directions.
fn conversion(ident: &Ident, told: &Told) -> Option<Part> {
    let text = |ty: &Option<Type>| ty.as_ref().map(|ty| tokens::text(ty.to_token_stream()));
    let read = told.ty("from").or_else(|| told.ty("try_from"));
    let written = told.ty("into");
    match (text(&read), text(&written)) {
        (None, None) => None,
        (read_text, written_text) if read_text == written_text => read.map(|ty| Part::Of(Box::new(ty))),
        (read, written) => {
            let own = || ident.unraw().to_string();
            let (read, written) = (read.unwrap_or_else(own), written.unwrap_or_else(own));
            Some(Part::Opaque(format!("{ident} from {read} into {written}", ident = own())))
        }
    }
}

/// The one field that is stored.
fn transparent(fields: &Fields) -> Result<Form> {
    let mut stored = fields.iter().map(|field| (field, Told::of(&field.attrs)));
    let one = stored.find(|(field, told)| !told.is_skipped() && !told.has("default") && !is_phantom(&field.ty));
    match one {
        Some((field, told)) => Ok(Form::Inside(part(&field.ty, &told))),
        None => Ok(Form::UnitStruct),
    }
}

fn structure(ident: &Ident, told: &Told, fields: &Fields) -> Result<Form> {
    let mut errors = Error::accumulator();
    let case = errors.handle(told.case("rename_all")).flatten();
    let form = of_fields(fields, case, told.has("default"), told.has("deny_unknown_fields"));
    let form = errors.handle(form).flatten();
    errors.finish()?;
    Ok(match (form, told.has("tag")) {
        (None, _) => Form::UnitStruct,
        (Some(Form::Record(mut record)), true) => {
            // Written by serde before all others; reading ignores it.
            let name = told.text("tag").unwrap_or_else(|| ident.unraw().to_string());
            let part = Part::Of(Box::new(parse_quote!(&'static str)));
            let tag = Field { name, aliases: Vec::new(), part, has_default: true, may_be_left_out: false };
            record.fields.insert(0, tag);
            Form::Record(record)
        }
        (Some(form), _) => form,
    })
}

fn enumeration(told: &Told, data: &DataEnum) -> Result<Form> {
    let mut errors = Error::accumulator();
    let case = errors.handle(told.case("rename_all")).flatten();
    let variants = data.variants.iter().filter_map(|syntax| errors.handle(variant(told, case, syntax)).flatten());
    let (untagged, tagged): (Vec<_>, Vec<_>) = variants.partition(|variant| variant.is_untagged);
    errors.finish()?;
    let mut alternatives: Vec<_> = untagged.into_iter().map(|variant| variant.content.unwrap_or(Form::Nil)).collect();
    if told.has("untagged") {
        return Ok(Form::Union(alternatives));
    }
    let one_of = Enum { tag: told.text("tag"), content: told.text("content"), variants: tagged };
    if alternatives.is_empty() {
        return Ok(Form::Enum(one_of));
    }
    alternatives.insert(0, Form::Enum(one_of));
    Ok(Form::Union(alternatives))
}

fn variant(container: &Told, case: Option<Case>, syntax: &syn::Variant) -> Result<Option<Variant>> {
    let told = Told::of(&syntax.attrs);
    if told.is_skipped() {
        return Ok(None);
    }
    let mut errors = Error::accumulator();
    let message = "a variant that is written but not read cannot be read back: use `serde(skip)`";
    errors.handle(told.refuse("skip_deserializing", message));
    let own = syntax.ident.unraw().to_string();
    let name = errors.handle(told.both_ways("rename")).flatten();
    let name = name.unwrap_or_else(|| case.map_or_else(|| own.clone(), |case| case.of_variant(&own)));
    let content = errors.handle(content(container, syntax)).flatten();
    errors.finish_with(Some(Variant {
        name,
        aliases: told.texts("alias").collect(),
        content,
        is_default: told.has("other"),
        is_untagged: container.has("untagged") || told.has("untagged"),
    }))
}

/// The content of a variant; `None` when it has none.
fn content(container: &Told, syntax: &syn::Variant) -> Result<Option<Form>> {
    let told = Told::of(&syntax.attrs);
    if let Some(with) = told.with() {
        let text = format!("{} with {with}", syntax.ident.unraw());
        return Ok(Some(Form::Inside(Part::Opaque(text))));
    }
    let case = match told.case("rename_all")? {
        Some(case) => Some(case),
        None => container.case("rename_all_fields")?,
    };
    of_fields(&syntax.fields, case, false, container.has("deny_unknown_fields"))
}

/// The form of fields; `None` when there is nothing to store.
fn of_fields(fields: &Fields, case: Option<Case>, have_default: bool, is_exact: bool) -> Result<Option<Form>> {
    let stored = || fields.iter().map(|field| (field, Told::of(&field.attrs))).filter(|(_, told)| !told.is_skipped());
    match fields {
        Fields::Unit => Ok(None),
        Fields::Unnamed(all) if all.unnamed.len() == 1 => {
            Ok(stored().next().map(|(field, told)| Form::Inside(part(&field.ty, &told))))
        }
        Fields::Unnamed(_) => Ok(Some(Form::Tuple(stored().map(|(field, told)| part(&field.ty, &told)).collect()))),
        Fields::Named(_) => {
            let mut errors = Error::accumulator();
            let mut record = Record { is_exact, ..Record::default() };
            for (field, told) in stored() {
                if told.has("flatten") {
                    record.flattened.push(part(&field.ty, &told));
                } else {
                    record.fields.extend(errors.handle(self::field(field, &told, case, have_default)));
                }
            }
            errors.finish_with(Some(Form::Record(record)))
        }
    }
}

fn field(field: &syn::Field, told: &Told, case: Option<Case>, has_default: bool) -> Result<Field> {
    let own = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
    let name = told.both_ways("rename")?;
    Ok(Field {
        name: name.unwrap_or_else(|| case.map_or_else(|| own.clone(), |case| case.of_field(&own))),
        aliases: told.texts("alias").collect(),
        part: part(&field.ty, told),
        has_default: has_default || told.has("default") || told.has("skip_deserializing"),
        may_be_left_out: told.has("skip_serializing_if") || told.has("skip_serializing"),
    })
}

fn part(ty: &Type, told: &Told) -> Part {
    match told.with() {
        Some(with) => Part::Opaque(format!("{} with {with}", tokens::text(ty.to_token_stream()))),
        None => Part::Of(Box::new(ty.clone())),
    }
}

fn is_phantom(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_phantom(&group.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"),
        _ => false,
    }
}
