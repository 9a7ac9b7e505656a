//! Another version of a projection: its rows are computed beside those that are read, and read when they are complete.

use annals_conformance::planted::behind;
use annals_core::Annals;
use annals_projections::{
    BoxError, EventContext, Incoming, Projection, ProjectionOptions, ReadModels, Rows, State, Subscription, Tables,
    WithProjections,
};
use tokio::sync::watch;

use crate::{bank::*, stores::Gate};

/// The balances once more, as another version computes them.
struct Later(Balances);

impl Projection for Later {
    const NAME: &'static str = Balances::NAME;
    const VERSION: u32 = Balances::VERSION + 1;

    fn subscription(&self) -> Subscription {
        self.0.subscription()
    }
    fn tables(&self) -> Tables {
        self.0.tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.0.handle(event, cx, rows).await?;
        // Each event counts once more.
        let account = cx.key().to_owned();
        rows.update::<Balance>(account, |row| row.map(|row| Balance { events: row.events + 1, ..row })).await?;
        Ok(())
    }
}

/// P6: rows of a new version are not read before they hold what the log held when they were begun; until then the others are.
#[tokio::test]
async fn a_new_version_is_not_read_before_it_has_caught_up() {
    for lanes in [1, 4] {
        let store = store();
        for number in 0..50 {
            commit(&store, [deposited(&format!("a{}", number % 5), 1)]).await;
        }
        let first = open(&store, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
        until(&first, |status| is_live(status) && status.position == head(&store)).await;
        stop(first).await;
        let (gate, closed) = watch::channel(false);
        let gated = behind(store.clone(), Gate(closed));
        let options = ProjectionOptions::default().lanes(lanes);
        let annals = Annals::over(gated).projection_with(Later(Balances::default()), options).open().await.unwrap();
        let mut status = ReadModels::projection::<Later>(&annals).unwrap().watch();
        status.wait_for(|status| status.state == State::Rebuilding).await.unwrap();
        assert_eq!(row(&annals, "a1").await.unwrap().events, 10, "the rows of the version before");
        gate.send_replace(true);
        status.wait_for(is_live).await.unwrap();
        loop {
            match row(&annals, "a1").await.unwrap().events {
                20 => break,
                // The swap comes right behind.
                events => assert_eq!(events, 10, "all of one version or all of the other"),
            }
            tokio::task::yield_now().await;
        }
        commit(&store, [deposited("a1", 1)]).await;
        status.wait_for(|status| is_live(status) && status.position == head(&store)).await.unwrap();
        assert_eq!(row(&annals, "a1").await.unwrap().events, 22);
    }
}
