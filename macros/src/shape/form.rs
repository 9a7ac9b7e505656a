//! What a type is stored as, as far as it can be seen where it is declared.

use syn::Type;

/// The stored form of a type or of the content of a variant.
pub(super) enum Form {
    /// That of what is inside, which leaves no trace of what is around it.
    Inside(Part),
    /// An empty list.
    UnitStruct,
    /// A list of one of each.
    Tuple(Vec<Part>),
    /// A map by field name.
    Record(Record),
    /// A variant and its content.
    Enum(Enum),
    /// Any of these: an enum that does not say which variant it is, or only of some.
    Union(Vec<Form>),
    /// Nil.
    Nil,
}

/// Something that is inside.
pub(super) enum Part {
    /// A value of a type.
    Of(Box<Type>),
    /// Something of which no more is known than this text.
    Opaque(String),
}

/// Named fields.
#[derive(Default)]
pub(super) struct Record {
    pub(super) fields: Vec<Field>,
    pub(super) flattened: Vec<Part>,
    pub(super) is_exact: bool,
}

/// One of them.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) part: Part,
    pub(super) has_default: bool,
    pub(super) may_be_left_out: bool,
}

/// Variants.
pub(super) struct Enum {
    pub(super) tag: Option<String>,
    pub(super) content: Option<String>,
    pub(super) variants: Vec<Variant>,
}

/// One of them.
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) content: Option<Form>,
    pub(super) is_default: bool,
    /// Whether its name is not stored.
    pub(super) is_untagged: bool,
}
