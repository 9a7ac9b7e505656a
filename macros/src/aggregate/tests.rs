use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn an_aggregate_with_snapshots_expands_to_its_codec() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 100, version = 2))]
            #[aggregate(crate = annals_core)]
            struct Account { open: bool, #[serde(default)] balance: Option<Money> }
        },
    );
    insta::assert_snapshot!(code);
}

#[test]
fn an_aggregate_without_snapshots_expands_to_three_names() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[aggregate(name = "door", event = DoorEvent, crate = annals_core)]
            enum Door { Open, Closed }
        },
    );
    insta::assert_snapshot!(code);
}
