use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn an_event_expands_to_its_table_and_four_methods() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[event(prefix = "account", crate = annals_core)]
            enum AccountEvent {
                Opened { #[tag] owner: String },
                #[event(version = 2, since = 2, alias = "account.drawn")]
                Withdrawn { cents: u64, #[tag(name = "atm")] machine: Option<u32>, #[serde(skip)] seen: bool },
                #[event(name = "account.balance_corrected")]
                Corrected(#[tag(name = "reason")] Correction),
                Closed,
            }
        },
    );
    insta::assert_snapshot!(code);
}

#[test]
fn the_past_of_an_event_expands_to_a_table_and_a_function_for_each_form() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[event(prefix = "account", retired("account.frozen"), split("account.moved", 1 = old::MovedV1, into(Paid, Drawn)), crate = annals_core)]
            enum AccountEvent {
                #[event(version = 4, from(1 = value(rename), 2 = old::PaidV2, 3 = old::PaidV3))]
                Paid { cents: u64 },
                #[event(from("account.withdrawn", 1 = old::WithdrawnV1))]
                Drawn(Drawing),
            }
        },
    );
    insta::assert_snapshot!(code);
}
