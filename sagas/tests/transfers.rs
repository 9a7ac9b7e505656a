//! What comes of transfers, whatever is refused.

use std::sync::Arc;

use annals_core::{MemoryStore, SystemClock};

use crate::bank::*;

#[tokio::test]
async fn each_step_takes_effect_once() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    open_account(&bank, "bob", 0).await;
    request(&bank, "t1", 30).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (70, 30));
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("moved"));
    assert_eq!(types::<Account>(&bank, "ada").await, ["account.opened", "account.taken"]);
    bank.shut_down().await;
}

#[tokio::test]
async fn a_refusal_is_an_input_with_the_error_of_the_aggregate() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 10).await;
    request(&bank, "t1", 30).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("too poor"));
    assert_eq!(cents(&bank, "ada").await, 10);
    bank.shut_down().await;
}

#[tokio::test]
async fn what_was_done_is_undone_when_a_later_command_is_refused() {
    let bank = over(Arc::new(MemoryStore::new()), SystemClock).await;
    open_account(&bank, "ada", 100).await;
    request(&bank, "t1", 30).await;
    saga(&bank).settled().await.unwrap();
    assert_eq!(outcome(&bank, "t1").await.as_deref(), Some("returned"));
    assert_eq!(types::<Account>(&bank, "ada").await, ["account.opened", "account.taken", "account.returned"]);
    assert_eq!(cents(&bank, "ada").await, 100);
    bank.shut_down().await;
}
