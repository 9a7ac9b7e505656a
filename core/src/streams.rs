//! Listing the streams that hold events.

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::{Annals, Category, LoggedTable, ReadError, Scan, StreamId};

impl Annals {
    /// The streams of this handle's tenant that hold events, closed ones too, in ascending order: those of `category`
    /// whose keys begin with `prefix`; without a category, those whose whole text (`account-42`) does.
    ///
    /// They are read in pages while the list is taken. A stream that is there all the time is listed exactly once; one
    /// that comes in between may be. Ends with the first error.
    pub fn streams(&self, category: Option<&Category>, prefix: &str) -> BoxStream<'_, Result<StreamId, ReadError>> {
        let prefix = category.map_or_else(|| prefix.to_owned(), |category| format!("{category}-{prefix}"));
        let table = LoggedTable::STREAMS.in_tenant(self.tenant().cloned());
        let scan = Scan::prefix(table, prefix.into_bytes());
        stream::unfold(Some(scan), |scan| self.next_page(scan)).flat_map(stream::iter).boxed()
    }

    async fn next_page(&self, scan: Option<Scan>) -> Option<(Vec<Result<StreamId, ReadError>>, Option<Scan>)> {
        match self.store().scan(scan?).await {
            Ok(page) => Some((page.rows.iter().map(|(key, _)| self.stream_of(key)).collect(), page.next)),
            Err(error) => Some((vec![Err(error)], None)),
        }
    }

    fn stream_of(&self, key: &[u8]) -> Result<StreamId, ReadError> {
        let text = String::from_utf8_lossy(key);
        let id = match self.tenant() {
            Some(tenant) => format!("{tenant}/{text}").parse(),
            None => text.parse(),
        };
        id.map_err(|error| ReadError::Index { reason: format!("a row of $streams names no stream: {error}") })
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use crate::{EventType, MemoryStore, NewEvent, PAGE_ROWS_MAX, Tenant};

    use super::*;

    async fn listed(annals: &Annals, category: Option<&str>, prefix: &str) -> Vec<String> {
        let category = category.map(|category| Category::new(category).unwrap());
        let streams: Vec<StreamId> = annals.streams(category.as_ref(), prefix).try_collect().await.unwrap();
        streams.iter().map(ToString::to_string).collect()
    }

    fn event(stream: &str) -> NewEvent {
        NewEvent::new(stream.parse().unwrap(), EventType::new("happened").unwrap(), "")
    }

    #[tokio::test]
    async fn streams_are_listed_by_category_and_prefix() {
        let annals = Annals::over(MemoryStore::new()).open().await.unwrap();
        let names = ["account-1", "account-12", "account-2", "accounts-1", "acme/account-1"];
        annals.store().commit(crate::Commit::of(names.map(event))).await.unwrap();
        assert_eq!(listed(&annals, None, "").await, ["account-1", "account-12", "account-2", "accounts-1"]);
        assert_eq!(listed(&annals, None, "account").await.len(), 4);
        assert_eq!(listed(&annals, Some("account"), "").await, ["account-1", "account-12", "account-2"]);
        assert_eq!(listed(&annals, Some("account"), "1").await, ["account-1", "account-12"]);
        let acme = annals.in_tenant(Tenant::new("acme").unwrap());
        assert_eq!(listed(&acme, Some("account"), "").await, ["acme/account-1"]);
    }

    #[tokio::test]
    async fn pages_are_stable_while_streams_come() {
        let annals = Annals::over(MemoryStore::new()).open().await.unwrap();
        let names = (0..2 * PAGE_ROWS_MAX + 1).map(|n| format!("account-{n:05}"));
        annals.store().commit(crate::Commit::of(names.map(|name| event(&name)))).await.unwrap();
        let mut streams = annals.streams(None, "");
        let mut found = vec![streams.try_next().await.unwrap().unwrap()];
        annals.store().commit(crate::Commit::of([event("a-early")])).await.unwrap();
        found.extend(streams.try_collect::<Vec<_>>().await.unwrap());
        assert_eq!(found.len(), 2 * PAGE_ROWS_MAX + 1);
        assert!(found.is_sorted());
    }
}
