use quote::quote;
use syn::parse_quote;

use super::{attribute, expand};
use crate::snapshot::unparsed;

#[test]
fn a_saga_expands_to_its_inputs_and_to_what_it_sends() {
    let attribute = attribute(&quote! {
        name = "fulfilment", version = 3, from(1 = FulfilmentV1, 2 = FulfilmentV2), crate = annals_sagas,
        sends(Stock: Reserve, Release; Payment: prepared payment::Charge),
        ignore(OrderEvent::Noted, StockEvent::*)
    });
    let block = parse_quote! {
        impl Fulfilment {
            /// It begins.
            #[on(OrderEvent::Placed { lines }, starts)]
            fn placed(&mut self, step: &mut Step<'_, Self>, lines: &[Line]) {
                step.send::<Stock, _>("s1", Reserve { lines: lines.to_vec() });
            }

            #[on(StockEvent::Reserved { order, .. }, key = order, otherwise = ignore)]
            fn reserved(&mut self, cx: &EventContext<'_>) -> Result<(), Late> {
                self.reserved(cx)
            }

            #[on(StockEvent::Short(order), starts, continues, key = cx.id::<OrderId>()?.of(order), otherwise = set_aside)]
            #[timeout("deadline")]
            #[timeout("reminder")]
            fn give_up(&mut self, step: &mut annals::Step<'_, Self>) {
                step.compensate();
            }

            #[cfg(feature = "refusals")]
            #[refused(payment::Charge)]
            fn declined(&mut self, refusal: &Refusal<'_>, charge: &Charge, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
                Ok(())
            }

            fn total(&self) -> u64 {
                0
            }
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}

#[test]
fn a_generic_saga_without_refusals_and_timers_expands_to_neither() {
    let attribute = attribute(&quote! {
        name = "watch", version = 2, from(1 = WatchV1<R>), sends(Door: prepared), crate = annals_sagas
    });
    let block = parse_quote! {
        impl<R: Rules> Watch<R> where R: Default {
            #[on(DoorEvent::Opened, starts, key = format!("{}-{}", cx.key(), R::NAME))]
            fn opened(&mut self) {}
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}
