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
