use quote::quote;
use syn::parse_quote;

use super::{attribute, expand};
use crate::snapshot::unparsed;

#[test]
fn a_projection_expands_to_its_subscription_and_one_match_for_each_enum() {
    let attribute = attribute(&quote! {
        name = "balances", version = 3, tables(Balance, Statement), crate = annals_projections,
        ignore(AccountEvent::Opened, audit::AuditEvent::*)
    });
    let block = parse_quote! {
        impl<S: Scale> Balances<S> {
            /// Money came in.
            #[on(AccountEvent::Deposited { amount })]
            #[on(AccountEvent::InterestPaid { amount, .. })]
            async fn deposited(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
                self.add(cx, *amount, rows).await
            }

            #[cfg(feature = "corrections")]
            #[on(AccountEvent::Corrected(correction))]
            fn corrected(&self, rows: &mut annals::Rows<'_>, correction: &Correction) -> Result<(), RowsError> {
                rows.put(Balance::of(correction))
            }

            #[on(domain::CustomerEvent::Renamed { name: to })]
            fn renamed(&self, to: &str) {
                println!("{to}");
            }

            async fn add(&self, cx: &EventContext<'_>, amount: Money, rows: &mut Rows<'_>) -> Result<(), BoxError> {
                Ok(())
            }
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}

#[test]
fn a_method_for_several_events_expands_to_their_number_and_a_call() {
    let attribute = attribute(&quote!(name = "balances", crate = annals_projections, ignore(AccountEvent::*)));
    let block = parse_quote! {
        impl Balances {
            #[on(AccountEvent::Deposited { amount })]
            fn deposited(&self, amount: &Money) {}

            /// Each account once.
            #[cfg(feature = "fast")]
            #[on_batch(max = 500)]
            async fn all(&self, rows: &mut Rows<'_>, events: &[annals::Delivered<'_>]) -> Result<(), RowsError> {
                Ok(())
            }

            #[cfg(not(feature = "fast"))]
            #[on_batch(max = 2)]
            fn two(&self, events: &[Delivered<'_>]) {}
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}
