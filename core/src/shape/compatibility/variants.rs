//! Enums: variants by name and alias.

use super::{BreakReason, Check, NIL, Step};
use crate::shape::{Enum, Record, Shape, Tagging, Variant};

/// What a variant without content has beside its name, when that stands among the fields.
static NO_FIELDS: Shape = Shape::Record(Record { fields: Vec::new(), flattened: Vec::new(), is_exact: false });

impl<'a> Check<'a> {
    pub(super) fn enums(&mut self, reader: &'a Enum, writer: &'a Enum) {
        if reader.tagging != writer.tagging {
            let (reader, writer) = (reader.tagging.clone(), writer.tagging.clone());
            return self.break_here(BreakReason::Tagging { reader, writer });
        }
        for written in &writer.variants {
            let by_name = reader.variants.iter().find(|variant| variant.is_read_from(&written.name));
            let variant = by_name.or_else(|| reader.variants.iter().find(|variant| variant.is_default));
            match variant {
                Some(variant) => self.contents(&reader.tagging, variant, written),
                None => self.break_at(Step::Variant(written.name.clone()), BreakReason::NoVariant),
            }
        }
    }

    fn contents(&mut self, tagging: &Tagging, reader: &'a Variant, writer: &'a Variant) {
        let step = Step::Variant(writer.name.clone());
        match (&reader.content, &writer.content) {
            (Some(content), Some(written)) => self.inside(step, content, written),
            (None, None) => {}
            (None, Some(_)) if matches!(tagging, Tagging::Internal { .. }) => {}
            (Some(content), None) if matches!(tagging, Tagging::Internal { .. }) => {
                self.inside(step, content, &NO_FIELDS);
            }
            (None, Some(written)) => {
                if !self.holds(&NIL, written) {
                    self.break_at(step, BreakReason::ContentUnread);
                }
            }
            (Some(_), None) => self.break_at(step, BreakReason::ContentMissing),
        }
    }
}
