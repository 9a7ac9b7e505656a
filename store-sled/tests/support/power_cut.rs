//! A recording of all that a store does to its own files, and images of what a power cut may leave of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use annals_store_sled::faults::{Call, Effect, Observer};

use super::workload::Random;

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// A call that changes or syncs something, and when it began and ended, counted in calls.
#[derive(Debug, Clone)]
struct Entry {
    began: u64,
    ended: Option<u64>,
    path: PathBuf,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    /// Opens or creates the file; empties it.
    Create {
        empty: bool,
    },
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    SetLength(usize),
    Sync,
    Rename {
        to: PathBuf,
    },
    Remove,
    CreateFolder,
    SyncFolder,
    OpenIndex,
}

/// Records all calls but those on the index, which a power cut may leave in any state.
pub struct Recorder {
    /// A sync of this name, all of them or the one with that number, is not done although it succeeds: a planted bug.
    forgets: Option<(&'static str, Option<usize>)>,
    recording: Mutex<Recording>,
}

#[derive(Debug, Clone, Default)]
pub struct Recording {
    now: u64,
    begin: Vec<(PathBuf, Option<Vec<u8>>)>,
    entries: Vec<Entry>,
    forgettable: usize,
}

impl Recorder {
    pub fn new(forgets: Option<(&'static str, Option<usize>)>) -> Self {
        Self { forgets, recording: Mutex::default() }
    }

    /// A recording that begins with the files in `store`, all of them on disk.
    pub fn over(store: &Path) -> Self {
        let recorder = Self::new(None);
        recorder.recording.lock().unwrap().take_in(store);
        recorder
    }

    /// The number of the moment: everything that happens later has a higher one.
    pub fn moment(&self) -> u64 {
        let mut recording = self.recording.lock().unwrap();
        recording.now += 1;
        recording.now
    }

    pub fn recording(&self) -> Recording {
        self.recording.lock().unwrap().clone()
    }

    fn begin(&self, call: &Call<'_>, change: Change) -> usize {
        let mut recording = self.recording.lock().unwrap();
        recording.now += 1;
        let began = recording.now;
        recording.entries.push(Entry { began, ended: None, path: call.path.to_owned(), change });
        recording.entries.len() - 1
    }

    fn end(&self, entry: usize) {
        let mut recording = self.recording.lock().unwrap();
        recording.now += 1;
        recording.entries[entry].ended = Some(recording.now);
    }

    fn is_forgotten(&self, call: &Call<'_>) -> bool {
        let Some((name, number)) = self.forgets.filter(|(name, _)| *name == call.to_string()) else { return false };
        let mut recording = self.recording.lock().unwrap();
        recording.forgettable += 1;
        assert!(name.contains("sync"));
        number.is_none_or(|number| number == recording.forgettable)
    }
}

fn change(effect: Effect<'_>) -> Option<Change> {
    Some(match effect {
        Effect::Open => Change::Create { empty: false },
        Effect::Create => Change::Create { empty: true },
        Effect::Write { offset, bytes } => Change::Write { offset: offset as usize, bytes: bytes.to_vec() },
        Effect::SetLength(length) => Change::SetLength(length as usize),
        Effect::SyncData | Effect::SyncAll => Change::Sync,
        Effect::Rename { to } => Change::Rename { to: to.to_owned() },
        Effect::Remove => Change::Remove,
        Effect::CreateFolder => Change::CreateFolder,
        Effect::SyncFolder => Change::SyncFolder,
        Effect::Sled("open") => Change::OpenIndex,
        _ => return None,
    })
}

impl Observer for Recorder {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        let change = change(call.effect).filter(|_| call.on != "index" && !self.is_forgotten(call));
        let Some(change) = change else { return make(usize::MAX) };
        let entry = self.begin(call, change);
        make(usize::MAX)?;
        self.end(entry);
        Ok(())
    }
}

/// A file: what of it is on disk, and what was done to it since the last sync.
#[derive(Debug, Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
}

impl File {
    /// What it holds after the first `count` of the changes since the last sync.
    fn after(&self, count: usize) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in self.since.iter().take(count) {
            match change {
                Change::Create { .. } => bytes.clear(),
                Change::SetLength(length) => bytes.resize(*length, 0),
                Change::Write { offset, bytes: written } => {
                    bytes.resize(bytes.len().max(offset + written.len()), 0);
                    bytes[*offset..offset + written.len()].copy_from_slice(written);
                }
                _ => {}
            }
        }
        bytes
    }

    fn sync(&mut self) {
        self.synced = self.after(self.since.len());
        self.since.clear();
    }

    /// What a power cut leaves: each sector, and the length, as after some of the changes.
    fn cut(&self, random: &mut Random) -> Vec<u8> {
        let all = self.since.len() as u64;
        let versions: Vec<_> = (0..=self.since.len()).map(|count| self.after(count)).collect();
        let how = random.below(4);
        let mut pick = || match how {
            0 => 0,
            1 => all as usize,
            _ => random.below(all + 1) as usize,
        };
        let mut image = vec![0; versions[pick()].len()];
        for (index, sector) in image.chunks_mut(SECTOR_BYTES).enumerate() {
            let version = &versions[pick()];
            let from = (index * SECTOR_BYTES).min(version.len());
            let to = (from + sector.len()).min(version.len());
            sector[..to - from].copy_from_slice(&version[from..to]);
        }
        image
    }
}

/// A change of names that no sync of its folder has made durable yet.
#[derive(Debug, Clone)]
struct NameChange {
    folder: PathBuf,
    ended: Option<u64>,
    /// What the name then stands for; nothing once it is removed.
    names: Vec<(PathBuf, Option<Node>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

type Names = BTreeMap<PathBuf, Node>;

/// The files as the process sees them at some moment, and what of them is on disk for certain.
#[derive(Debug, Default)]
struct Disk {
    files: Vec<File>,
    seen: Names,
    synced: Names,
    since: Vec<NameChange>,
}

fn apply(names: &mut Names, change: &NameChange) {
    for (path, node) in &change.names {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}

impl Disk {
    /// As of the moment `until`.
    fn replay(recording: &Recording, until: u64) -> Self {
        let mut disk = Self::default();
        for (path, bytes) in &recording.begin {
            let node = bytes.as_ref().map_or(Node::Folder, |_| Node::File(disk.files.len()));
            disk.files.extend(bytes.clone().map(|synced| File { synced, since: Vec::new() }));
            disk.synced.insert(path.clone(), node);
        }
        disk.seen = disk.synced.clone();
        for entry in recording.entries.iter().filter(|entry| entry.began <= until) {
            let ended = entry.ended.is_some_and(|ended| ended <= until);
            disk.take(entry, ended);
        }
        disk
    }

    fn take(&mut self, entry: &Entry, ended: bool) {
        let node = self.seen.get(&entry.path).copied();
        match (&entry.change, node) {
            (Change::Create { empty: false }, Some(_)) => {}
            (Change::Create { empty: true }, Some(Node::File(file))) => {
                self.files[file].since.push(entry.change.clone())
            }
            // A file that is not there is not opened.
            (Change::Create { empty: false }, None) if entry.ended.is_none() => {}
            (Change::Create { .. }, _) => {
                self.files.push(File::default());
                self.rename(entry, vec![(entry.path.clone(), Some(Node::File(self.files.len() - 1)))]);
            }
            (Change::CreateFolder, None) => self.rename(entry, vec![(entry.path.clone(), Some(Node::Folder))]),
            (Change::Rename { to }, _) => self.rename(entry, vec![(entry.path.clone(), None), (to.clone(), node)]),
            (Change::Remove, Some(_)) => self.rename(entry, vec![(entry.path.clone(), None)]),
            (Change::Sync, Some(Node::File(file))) if ended => self.files[file].sync(),
            (Change::Write { .. } | Change::SetLength(_), Some(Node::File(file))) => {
                self.files[file].since.push(entry.change.clone());
            }
            (Change::SyncFolder, _) if ended => self.sync_folder(entry),
            _ => {}
        }
    }

    fn rename(&mut self, entry: &Entry, names: Vec<(PathBuf, Option<Node>)>) {
        let folder = entry.path.parent().unwrap().to_owned();
        let change = NameChange { folder, ended: entry.ended, names };
        apply(&mut self.seen, &change);
        self.since.push(change);
    }

    /// What had ended before the sync began is durable.
    fn sync_folder(&mut self, entry: &Entry) {
        let synced =
            |change: &NameChange| change.folder == entry.path && change.ended.is_some_and(|ended| ended < entry.began);
        for change in self.since.iter().filter(|change| synced(change)) {
            apply(&mut self.synced, change);
        }
        self.since.retain(|change| !synced(change));
    }
}

impl Recording {
    fn take_in(&mut self, path: &Path) {
        if !path.is_dir() {
            return self.begin.push((path.to_owned(), Some(fs::read(path).unwrap())));
        }
        self.begin.push((path.to_owned(), None));
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            if !entry.path().ends_with("index") {
                self.take_in(&entry.path());
            }
        }
    }

    pub fn end(&self) -> u64 {
        self.now
    }

    /// Writes into `image` what a power cut at the moment `until` may leave of the files in `store`.
    pub fn image(&self, store: &Path, until: u64, random: &mut Random, image: &Path) {
        let disk = Disk::replay(self, until);
        let mut names = disk.synced.clone();
        let how = random.below(4);
        for change in &disk.since {
            if how == 1 || (how > 1 && random.one_in(2)) {
                apply(&mut names, change);
            }
        }
        let folders: BTreeSet<_> =
            names.iter().filter(|(_, node)| **node == Node::Folder).map(|(path, _)| path.clone()).collect();
        if !folders.contains(store) {
            return;
        }
        fs::create_dir_all(image).unwrap();
        for (path, node) in &names {
            let target = image.join(path.strip_prefix(store).unwrap());
            match node {
                _ if path == store || !folders.contains(path.parent().unwrap()) => {}
                Node::Folder => fs::create_dir_all(target).unwrap(),
                Node::File(file) => fs::write(target, disk.files[*file].cut(random)).unwrap(),
            }
        }
    }

    /// Writes into `image` what the process saw of the files in `store` at the moment `until`, and goes on recording
    /// there: what was not synced still is not.
    pub fn kill(&self, store: &Path, until: u64, image: &Path) -> Recorder {
        let moved = |path: &Path| path.strip_prefix(store).map_or(path.to_owned(), |rest| image.join(rest));
        let mut recording = Self { now: until, ..Self::default() };
        for mut entry in self.entries.iter().filter(|entry| entry.began <= until).cloned() {
            entry.path = moved(&entry.path);
            entry.ended = entry.ended.filter(|ended| *ended <= until);
            if let Change::Rename { to } = &mut entry.change {
                *to = moved(to);
            }
            // A file that could not be opened was none, and a sync that was under way proves nothing.
            let counts_only_done = matches!(entry.change, Change::Create { .. } | Change::Sync | Change::SyncFolder);
            if entry.ended.is_some() || !counts_only_done {
                entry.ended = entry.ended.or(Some(until));
                recording.entries.push(entry);
            }
        }
        let disk = Disk::replay(&recording, until);
        for (path, node) in disk.seen.iter().filter(|(path, _)| path.starts_with(image)) {
            match node {
                Node::Folder => fs::create_dir_all(path).unwrap(),
                Node::File(file) => fs::write(path, disk.files[*file].after(usize::MAX)).unwrap(),
            }
        }
        Recorder { forgets: None, recording: Mutex::new(recording) }
    }

    /// When each sync of a file began.
    pub fn syncs(&self) -> Vec<u64> {
        self.entries.iter().filter(|entry| matches!(entry.change, Change::Sync)).map(|entry| entry.began).collect()
    }

    /// How often the marker of a close was written up to that moment.
    pub fn closes(&self, store: &Path, until: u64) -> usize {
        self.since_close(store, until).0
    }

    /// Whether the index was opened since then, and before that moment.
    pub fn index_was_opened(&self, store: &Path, until: u64) -> bool {
        self.since_close(store, until).1
    }

    fn since_close(&self, store: &Path, until: u64) -> (usize, bool) {
        let marker = store.join("clean");
        let (mut closes, mut opened) = (0, false);
        for entry in self.entries.iter().filter(|entry| entry.began <= until) {
            match &entry.change {
                Change::Rename { to } if *to == marker => (closes, opened) = (closes + 1, false),
                Change::OpenIndex => opened = true,
                _ => {}
            }
        }
        (closes, opened)
    }
}
