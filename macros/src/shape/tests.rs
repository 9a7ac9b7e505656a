use syn::{DeriveInput, Path, parse_quote};

use super::{case::Case, expand, of_type, of_variant};
use crate::snapshot::formatted;

#[test]
fn a_struct_expands_to_its_fields() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[shape(crate = annals_core)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            struct Line {
                amount_in_cents: i64,
                #[serde(alias = "atm", skip_serializing_if = "Option::is_none")]
                machine: Option<u32>,
                #[serde(rename = "type", default)]
                kind: Kind,
                #[serde(with = "my::time")]
                at: Time,
                #[serde(skip)]
                cache: Cache,
                #[serde(flatten)]
                rest: Rest,
            }
        },
    );
    insta::assert_snapshot!(code);
}

#[test]
fn an_enum_expands_to_its_variants() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[shape(name = "HowPaid", crate = annals_core)]
            #[serde(tag = "type", content = "content", rename_all_fields = "UPPERCASE")]
            enum Payment {
                Cash(Money),
                Card { number: u64 },
                #[serde(alias = "gift")]
                Free,
                Both(Money, Money),
                #[serde(other)]
                Unknown,
            }
        },
    );
    insta::assert_snapshot!(code);
}

#[test]
fn a_newtype_expands_to_what_is_inside() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[shape(crate = annals_core)]
            #[serde(transparent)]
            struct Money(Cents);
        },
    );
    insta::assert_snapshot!(code);
}

/// What other derives use.
#[test]
fn the_shape_of_a_variant_is_an_expression() {
    let root: Path = parse_quote!(annals_core);
    let input: DeriveInput = parse_quote! {
        #[serde(rename_all_fields = "UPPERCASE")]
        enum AccountEvent { Opened { owner: String }, Corrected(Money), Closed }
    };
    let syn::Data::Enum(data) = &input.data else { panic!("it is an enum") };
    let shapes: Vec<_> = data
        .variants
        .iter()
        .map(|variant| of_variant(&root, &input.attrs, variant).unwrap().to_string().replace(' ', ""))
        .collect();
    assert_eq!(
        shapes,
        [
            "annals_core::shape::Shape::Record(annals_core::shape::Record::new([\
             annals_core::shape::Probe::<String>::new().field(\"OWNER\",\"String\",types)]))",
            "annals_core::shape::Probe::<Money>::new().shape(\"Money\",types)",
            "annals_core::shape::Shape::Record(annals_core::shape::Record::new([]))",
        ]
    );
    let command: DeriveInput = parse_quote!(
        struct Close;
    );
    let shape = of_type(&root, &command).unwrap().to_string().replace(' ', "");
    assert_eq!(shape, "annals_core::shape::Shape::Tuple(::std::vec::Vec::from([]))");
}

/// The table of serde's own tests.
#[test]
fn names_are_written_as_serde_writes_them() {
    for (case, variant, field) in [
        ("lowercase", "verytasty", "very_tasty"),
        ("UPPERCASE", "VERYTASTY", "VERY_TASTY"),
        ("PascalCase", "VeryTasty", "VeryTasty"),
        ("camelCase", "veryTasty", "veryTasty"),
        ("snake_case", "very_tasty", "very_tasty"),
        ("SCREAMING_SNAKE_CASE", "VERY_TASTY", "VERY_TASTY"),
        ("kebab-case", "very-tasty", "very-tasty"),
        ("SCREAMING-KEBAB-CASE", "VERY-TASTY", "VERY-TASTY"),
    ] {
        let case = Case::from_text(case).unwrap();
        assert_eq!((case.of_variant("VeryTasty"), case.of_field("very_tasty")), (variant.into(), field.into()));
    }
    assert_eq!(Case::Snake.of_variant("HTTPCalled"), "h_t_t_p_called");
    assert_eq!(Case::from_text("train-case"), None);
}
