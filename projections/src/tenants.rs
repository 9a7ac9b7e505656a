//! Whose rows a build holds.

use annals_core::{DerivedTable, DerivedWrite, ReadError, Scan, Store, Tenant};
use bytes::Bytes;

use crate::KeyBytes;

/// The row that says that build `build` of `projection` has tables of `tenant`. It is written with the first of their rows.
pub(crate) fn mark(projection: &str, build: u64, tenant: &Tenant) -> DerivedWrite {
    let mut key = prefix(projection, build);
    key.push_raw(tenant.as_str().as_bytes());
    let key = Bytes::copy_from_slice(key.as_slice());
    DerivedWrite { table: DerivedTable::CHECKPOINTS, key, value: Some(Bytes::new()) }
}

/// All whose rows build `build` of `projection` may hold: nobody's, and those of the tenants that are marked.
pub(crate) async fn all(rows: &dyn Store, projection: &str, build: u64) -> Result<Vec<Option<Tenant>>, ReadError> {
    let prefix = prefix(projection, build);
    let mut tenants = vec![None];
    let mut scan = Some(Scan::prefix(DerivedTable::CHECKPOINTS, Bytes::copy_from_slice(prefix.as_slice())));
    while let Some(next) = scan {
        let page = rows.scan(next).await?;
        let names =
            page.rows.iter().filter_map(|(key, _)| std::str::from_utf8(key.get(prefix.as_slice().len()..)?).ok());
        tenants.extend(names.filter_map(|name| Tenant::new(name).ok()).map(Some));
        scan = page.next;
    }
    Ok(tenants)
}

/// Behind the keys of the checkpoints of the build.
fn prefix(projection: &str, build: u64) -> KeyBytes {
    let mut prefix = KeyBytes::of(&(projection, build));
    prefix.push_raw(&[2]);
    prefix
}
