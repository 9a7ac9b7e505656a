//! The stores that are run: as the sources stand, and with a planted fault each.

use std::{cell::Cell, path::Path, sync::Arc};

use annals_core::Store;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// Opens a store in a folder, with batches of the index of so many entries.
pub(crate) type Open = fn(&Path, usize) -> Arc<dyn Store>;

thread_local! {
    /// Whether schedules are run by this thread. Some work of opening is done by another, outside of them.
    static IS_SCHEDULED: Cell<bool> = const { Cell::new(false) };
}

/// Lets others go on before every call to the disk and to sled: at a look at what all share, they may. To yield would be
/// more; a schedule by priorities then takes the priority away.
#[derive(Default)]
struct Interrupted(AtomicBool);

impl Interrupted {
    fn call(&self, make: &mut dyn FnMut(usize) -> std::io::Result<()>) -> std::io::Result<()> {
        if IS_SCHEDULED.get() {
            self.0.load(Ordering::SeqCst);
        }
        make(usize::MAX)
    }
}

/// A folder in memory, where there is one: each schedule begins a store.
pub(crate) fn folder() -> TempDir {
    IS_SCHEDULED.set(true);
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Opens a store of the crate or module `store`.
macro_rules! open {
    ($name:ident, $($store:tt)+) => {
        pub(crate) fn $name(folder: &Path, entries: usize) -> Arc<dyn Store> {
            use $($store)+::{SledOptions, SledStore, faults::{Call, Observer}};

            struct Watching(Interrupted);

            impl Observer for Watching {
                fn call(&self, _: &Call<'_>, make: &mut dyn FnMut(usize) -> std::io::Result<()>) -> std::io::Result<()> {
                    self.0.call(make)
                }
            }

            let options = SledOptions::new(folder).segment_bytes(1 << 16).index_batch_entries(entries);
            Arc::new(SledStore::open(options.observer(Arc::new(Watching(Interrupted::default())))).unwrap())
        }
    };
}

open!(as_it_stands, annals_store_sled);

pub(crate) mod planted {
    use super::*;

    macro_rules! planted {
        ($($name:ident)*) => {
            $(open!($name, annals_planted::$name);)*
        };
    }

    planted! {
        permits_are_kept
        backlog_is_not_told
        batches_listen_late
        stop_wakes_nobody
        head_before_contents
        pins_hold_nothing
        epochs_end_at_once
        tail_is_dropped_early
        moved_parts_are_missed
        old_looks_count
    }
}
