//! Records: fields by name and alias, and flattened parts beside them.

use super::{
    BreakReason, Check, Step,
    entries::{Entries, Entry, Part, map, some},
    names::{self, Names},
};
use crate::shape::{Field, Name, Record, Shape};

impl<'a> Check<'a> {
    pub(super) fn records(&mut self, reader: &'a Record, writer: &'a Record) {
        let read = Entries::of(self.reader, reader);
        let written = Entries::of(self.writer, writer);
        for entry in &read.fields {
            self.read_field(entry, &written);
        }
        for entry in &written.fields {
            self.written_field(entry.field, reader.is_exact, &read);
        }
        self.parts(&read, &written, reader.is_exact);
    }

    fn read_field(&mut self, entry: &Entry<'a>, written: &Entries<'a>) {
        let field = entry.field;
        let at = || Step::Field(field.name.clone());
        let mut sources = written.fields.iter().filter(|other| entry.reads(&other.field.name));
        let source = sources.next();
        match (source, sources.next()) {
            (Some(first), Some(second)) => {
                let (first, second) = (first.field.name.clone(), second.field.name.clone());
                return self.break_at(at(), BreakReason::ReadTwice { first, second });
            }
            (Some(source), None) => {
                if source.may_be_left_out && !entry.has_default {
                    self.break_at(at(), BreakReason::MayBeLeftOut);
                }
                self.inside(at(), &field.shape, &source.field.shape);
            }
            (None, _) if !entry.has_default => return self.break_at(at(), BreakReason::NoDefault),
            (None, _) => {}
        }
        if self.may_take(entry, source.map(|source| &source.field.name), written) {
            self.break_at(at(), BreakReason::Flattened);
        }
    }

    /// Whether the field may be read from something in the flattened parts that is not meant for it: from what it cannot be,
    /// beside its `source`, or twice. A map holds any name but those that are always there.
    fn may_take(&mut self, entry: &Entry<'a>, source: Option<&Name>, written: &Entries<'a>) -> bool {
        let mut free = entry.names();
        free.retain(|name| !written.always_has(name));
        let mut at_once = 0;
        for part in &written.parts {
            match names::written(self.writer, part.shape) {
                Names::Only(names) if free.iter().any(|name| names.contains(name)) => return true,
                Names::Only(_) => {}
                Names::Unknown if free.is_empty() => {}
                Names::Unknown => return true,
                Names::Keys(key, value) => {
                    let mut held = free.iter().filter(|name| names::may_be_written(self.writer, key, name)).peekable();
                    if held.peek().is_none() {
                        continue;
                    }
                    for name in held {
                        at_once += 1;
                        if source.is_some_and(|source| source != *name) {
                            return true;
                        }
                    }
                    if at_once > 1 || !self.holds(&entry.field.shape, value) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// A field that was written: what reads it beside a field, or in place of one.
    fn written_field(&mut self, field: &'a Field, is_exact: bool, read: &Entries<'a>) {
        let at = || Step::Field(field.name.clone());
        if is_exact && !read.fields.iter().any(|own| own.is_taken && own.reads(&field.name)) {
            self.break_at(at(), BreakReason::Refused);
        }
        for part in read.parts.iter().filter(|part| part.sees(&field.name)) {
            if let Some((key, value)) = map(self.reader, part) {
                if !names::is_read_from(self.reader, key, &field.name) {
                    self.break_at(at(), BreakReason::Flattened);
                }
                self.inside(at(), value, &field.shape);
            } else if let Names::Only(names) = names::read(self.reader, part.shape)
                && names.contains(&&field.name)
            {
                self.break_at(at(), BreakReason::Flattened);
            }
        }
    }

    /// Each map reads the entries of every map. Other parts are compared one by one; beside maps it cannot be told what they
    /// read of each other.
    fn parts(&mut self, read: &Entries<'a>, written: &Entries<'a>, is_exact: bool) {
        if is_exact && !written.parts.is_empty() {
            self.break_here(BreakReason::Refused);
        }
        let (maps, others): (Vec<_>, Vec<_>) = read.parts.iter().partition(|part| map(self.reader, part).is_some());
        let (written_maps, written_others): (Vec<_>, Vec<_>) =
            written.parts.iter().partition(|part| map(self.writer, part).is_some());
        for part in &maps {
            for other in &written_maps {
                self.map(part, other);
            }
        }
        let is_mixed = !maps.is_empty() && !written_others.is_empty();
        let is_confused = !others.is_empty() && (others.len() != written_others.len() || !written_maps.is_empty());
        if is_mixed || is_confused {
            return self.break_here(BreakReason::Flattened);
        }
        for (part, other) in others.iter().zip(&written_others) {
            self.part(part.shape, other.shape);
        }
    }

    fn map(&mut self, reader: &Part<'a>, writer: &Part<'a>) {
        let Some(((key, value), (written_key, written_value))) = map(self.reader, reader).zip(map(self.writer, writer))
        else {
            return;
        };
        if let Some(mut names) = names::countable(self.writer, written_key) {
            names.retain(|name| reader.sees(name));
            if names.is_empty() {
                return;
            }
            if !names.iter().all(|name| names::is_read_from(self.reader, key, name)) {
                self.inside(Step::Keys, key, written_key);
            }
        } else {
            self.inside(Step::Keys, key, written_key);
        }
        self.inside(Step::Values, value, written_value);
    }

    /// What is none has no entries, so that an option is no union with nil here.
    fn part(&mut self, reader: &'a Shape, writer: &'a Shape) {
        let (read, is_optional) = some(self.reader, reader);
        let (written, may_be_none) = some(self.writer, writer);
        let is_alike = matches!(
            (read, written),
            (Shape::Enum(_), Shape::Enum(_))
                | (Shape::Union(_), Shape::Union(_))
                | (Shape::Opaque(_), Shape::Opaque(_))
        );
        if !is_alike || may_be_none && !is_optional {
            return self.break_here(BreakReason::Flattened);
        }
        self.shapes(read, written);
    }
}
