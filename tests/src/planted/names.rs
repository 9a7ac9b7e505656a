//! Faults in the key of unique names.

use std::sync::Arc;

use annals_core::{NameKey, ReadError, Store};
use async_trait::async_trait;

use super::Fault;

/// The key is made anew in each life of the store.
pub struct RenewsNameKey {
    key: Option<NameKey>,
}

#[async_trait]
impl Fault for RenewsNameKey {
    const BREAKS: &'static [&'static str] =
        &["names::a_key_is_made_once_and_stays", "names::names_are_held_over_reopening"];

    fn new(_: &Arc<dyn Store>, life: u64) -> Self {
        Self { key: (life > 0).then(|| NameKey::random().expect("the system has random bytes")) }
    }

    async fn name_key(&self, store: &Arc<dyn Store>, make: bool) -> Result<Option<NameKey>, ReadError> {
        let kept = store.name_key(make).await?;
        Ok(kept.map(|kept| self.key.clone().unwrap_or(kept)))
    }
}

/// Each caller gets another key.
pub struct DealsNameKeys;

#[async_trait]
impl Fault for DealsNameKeys {
    const BREAKS: &'static [&'static str] = &[
        "names::a_key_is_made_once_and_stays",
        "names::callers_at_once_get_one_key",
        "names::names_are_held_over_reopening",
        "names::one_of_many_claims_wins",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn name_key(&self, store: &Arc<dyn Store>, make: bool) -> Result<Option<NameKey>, ReadError> {
        let kept = store.name_key(make).await?;
        kept.map(|_| NameKey::random()).transpose()
    }
}

/// Who only asks whether there is a key makes one.
pub struct MakesNameKeyUnasked;

#[async_trait]
impl Fault for MakesNameKeyUnasked {
    const BREAKS: &'static [&'static str] = &["names::there_is_no_key_before_one_is_made"];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn name_key(&self, store: &Arc<dyn Store>, _: bool) -> Result<Option<NameKey>, ReadError> {
        store.name_key(true).await
    }
}
