//! Invoice numbers: 1, 2, 3 ... without a gap. The boundary is every invoice; the last number is kept in memory, and only
//! invoices that came since are read.

use annals::{Boundary, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, at_once, refusal};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "invoice")]
enum InvoiceEvent {
    Created { number: u64, cents: u64 },
}

#[derive(Default, Clone)]
struct Invoices {
    last: u64,
}

impl Boundary for Invoices {
    type Id = ();
    fn select((): &()) -> Selection<Self> {
        Selection::of(kinds![InvoiceEvent::Created])
    }
}

impl Evolve<InvoiceEvent> for Invoices {
    fn evolve(&mut self, InvoiceEvent::Created { number, .. }: &InvoiceEvent) {
        self.last = *number;
    }
}

#[derive(Debug, PartialEq)]
struct NothingToPay;

async fn create(annals: Annals, cents: u64) -> Result<Executed<u64>, ExecuteError<NothingToPay>> {
    let creating = annals.together(boundary::<Invoices>(()), move |invoices| {
        let number = invoices.last + 1;
        invoices.emit(in_stream("invoice", number), InvoiceEvent::Created { number, cents });
        if cents == 0 { Err(NothingToPay) } else { Ok(number) }
    });
    creating.await
}

/// Published, without numbers of their own; what is refused uses up no number.
pub(crate) async fn numbers_begin_at_1_and_have_no_gaps<H: Harness>() {
    let office = Application::<H>::open().await;
    for number in 1..=3 {
        assert_eq!(refusal(create(office.clone(), 0).await), NothingToPay);
        assert_eq!(create(office.clone(), 100).await.expect("it is created").reply, number);
    }
}

/// C.10, P4: who is last of sixteen decides sixteen times at most, as often as it is tried by default.
pub(crate) async fn many_at_once_get_dense_numbers<H: Harness>() {
    let office = Application::<H>::open().await;
    for round in 0..20 {
        let (mut numbers, refused) = at_once(|caller| create(office.clone(), 100 + caller as u64)).await;
        numbers.sort_unstable();
        assert_eq!(numbers, (round * 16 + 1..=round * 16 + 16).collect::<Vec<_>>());
        assert_eq!(refused, []);
    }
}
