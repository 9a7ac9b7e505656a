//! Records and enums, which have names in Avro.

use serde_json::{Value, json};

use super::{AvroError, Export, avro_name, union, zero::zero};
use crate::shape::{
    Enum, Name, Record, Shape, Variant,
    compatibility::{Entries, Entry},
};

impl<'a> Export<'a> {
    pub(super) fn record(&mut self, record: &'a Record, name: &str, aliases: &[Name]) -> Result<Value, AvroError> {
        if !self.defined.insert(name.to_owned()) {
            return Ok(json!(name));
        }
        let entries = Entries::of(self.schema, record);
        if !entries.parts.is_empty() {
            return Err(AvroError::Flattened { name: name.into() });
        }
        let fields = entries.fields.iter().map(|entry| self.field(entry, name)).collect::<Result<Vec<_>, _>>()?;
        Ok(with_aliases(json!({ "type": "record", "name": name, "fields": fields }), aliases))
    }

    fn field(&mut self, entry: &Entry<'a>, record: &str) -> Result<Value, AvroError> {
        let field = entry.field;
        let own = avro_name(field.name.as_str());
        let mut ty = self.shape(&field.shape, &format!("{record}_{own}"))?;
        let is_nullable = entry.may_be_left_out && !entry.has_default;
        if is_nullable {
            ty = union([json!("null"), ty]);
        }
        let mut json = with_aliases(json!({ "name": own, "type": ty }), &field.aliases);
        if entry.has_default || is_nullable {
            let zero = if is_nullable { Some(Value::Null) } else { zero(self.schema, &field.shape) };
            let no_zero = || AvroError::NoZero { name: record.into(), field: field.name.clone() };
            insert(&mut json, "default", zero.ok_or_else(no_zero)?);
        }
        Ok(json)
    }

    pub(super) fn enumeration(&mut self, one_of: &'a Enum, name: &str) -> Result<Value, AvroError> {
        let is_bare = one_of.variants.iter().all(|variant| variant.content.is_none());
        if is_bare && !one_of.variants.is_empty() {
            return Ok(self.symbols(one_of, name));
        }
        let records = one_of.variants.iter().map(|variant| self.variant(variant, name));
        Ok(union(records.collect::<Result<Vec<_>, _>>()?))
    }

    fn symbols(&mut self, one_of: &'a Enum, name: &str) -> Value {
        if !self.defined.insert(name.to_owned()) {
            return json!(name);
        }
        let symbols: Vec<_> = one_of.variants.iter().map(|variant| avro_name(variant.name.as_str())).collect();
        let mut json = json!({ "type": "enum", "name": name, "symbols": symbols });
        if let Some(variant) = one_of.variants.iter().find(|variant| variant.is_default) {
            insert(&mut json, "default", json!(avro_name(variant.name.as_str())));
        }
        json
    }

    /// A variant's own fields, or one for whatever else it holds.
    fn variant(&mut self, variant: &'a Variant, of: &str) -> Result<Value, AvroError> {
        let name = format!("{of}_{}", avro_name(variant.name.as_str()));
        let aliases: Vec<_> =
            variant.aliases.iter().map(|alias| Name::from(format!("{of}_{}", avro_name(alias.as_str())))).collect();
        if let Some(Shape::Record(record)) = &variant.content {
            return self.record(record, &name, &aliases);
        }
        if !self.defined.insert(name.clone()) {
            return Ok(json!(name));
        }
        let content = variant.content.as_ref().map(|content| self.shape(content, &format!("{name}_content")));
        let content = content.transpose()?.map(|content| json!({ "name": "content", "type": content }));
        let fields = Vec::from_iter(content);
        Ok(with_aliases(json!({ "type": "record", "name": name, "fields": fields }), &aliases))
    }
}

fn with_aliases(mut json: Value, aliases: &[Name]) -> Value {
    if !aliases.is_empty() {
        let aliases: Vec<_> = aliases.iter().map(|alias| avro_name(alias.as_str())).collect();
        insert(&mut json, "aliases", json!(aliases));
    }
    json
}

pub(super) fn insert(json: &mut Value, key: &str, value: Value) {
    if let Value::Object(entries) = json {
        entries.insert(key.to_owned(), value);
    }
}
