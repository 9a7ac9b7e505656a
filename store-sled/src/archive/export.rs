//! Writing an archive of a store.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use annals_core::{CommitNumber, Head};

use super::{
    ArchiveError, ArchiveReader, ExportError, Part,
    wire::{End, put_commit, put_end, put_header},
};
use crate::{
    LogProgress, LogReader,
    log::{disk::Disk, frame::Standing},
    name_key,
};

/// Progress is told behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// What is written to a file is gathered up to so many bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes all commits of a store as an archive: positions, versions, ids, times, metadata, rows of logged tables and
/// idempotency keys as they are, and the key of unique names. [`Import`](super::Import) makes a store of it that holds the
/// same, byte for byte.
///
/// * **The store is never touched**, and may be in use: its log alone is read, every byte checked. What is written to it
///   later than it is read is not in the archive.
/// * **The archive is secret**: who has the key of unique names can try which names were claimed.
/// * **After a kill**, [`to_file`](Self::to_file) goes on with what it had written.
/// * **Memory** is bounded by commits, not by the store.
/// * **Blocking**: it takes as long as the log is large.
pub struct Export {
    store: PathBuf,
    through: CommitNumber,
    progress: Option<Box<dyn FnMut(LogProgress) + Send>>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportReport {
    /// The last commit and position in the archive.
    pub through: Head,
    /// How many bytes the archive has.
    pub bytes: u64,
    /// The commit behind which an earlier export was taken up, if this one was not the first.
    pub resumed_behind: Option<CommitNumber>,
}

impl Export {
    /// An export of the store in the folder `store`.
    pub fn new(store: impl AsRef<Path>) -> Self {
        Self { store: store.as_ref().to_owned(), through: CommitNumber::MAX, progress: None }
    }

    /// The same, of the commits up to this one.
    #[must_use]
    pub fn through(mut self, commit: CommitNumber) -> Self {
        self.through = commit;
        self
    }

    /// Calls `progress` now and then, on the thread that exports.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(LogProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Writes the archive to `to`, from its beginning; errors name it `path`.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn write(&mut self, to: &mut dyn Write, path: &Path) -> Result<ExportReport, ExportError> {
        let reader = LogReader::open(&self.store)?;
        let mut header = Vec::new();
        put_header(&mut header, name_key::read(&Disk::that_only_reads(), &self.store)?.as_ref());
        to.write_all(&header).map_err(ExportError::write(path))?;
        self.go_on(reader, to, path, header.len() as u64)
    }

    /// Writes the archive to a new file, or goes on with one that was not completed. Until it is complete, it has
    /// `.unfinished` behind its name; when this returns, it is on disk.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn to_file(&mut self, path: &Path) -> Result<ExportReport, ExportError> {
        if path.exists() {
            return Err(ExportError::Occupied { path: path.to_owned() });
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".unfinished");
        let unfinished = PathBuf::from(name);
        let failed = ExportError::write(&unfinished);
        let (file, report) = match self.resume(&unfinished)? {
            Some((reader, file, bytes)) => {
                let resumed = reader.head().commit;
                let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
                let report = self.go_on(reader, &mut file, &unfinished, bytes)?;
                (file, ExportReport { resumed_behind: Some(resumed), ..report })
            }
            None => {
                let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(&unfinished).map_err(&failed)?);
                let report = self.write(&mut file, &unfinished)?;
                (file, report)
            }
        };
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(&failed)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let renamed = fs::rename(&unfinished, path).and_then(|()| Disk::default().sync_folder("archive", folder));
        renamed.map_err(ExportError::write(path))?;
        Ok(report)
    }

    /// Appends what is behind `reader`, and the end.
    fn go_on(
        &mut self,
        mut reader: LogReader,
        to: &mut dyn Write,
        path: &Path,
        mut bytes: u64,
    ) -> Result<ExportReport, ExportError> {
        let failed = ExportError::write(path);
        let mut head = Vec::new();
        while reader.head().commit < self.through
            && let Some(found) = reader.find_frame()?
        {
            head.clear();
            put_commit(&mut head, &found.header);
            let body = reader.scanner().body(&found);
            to.write_all(&head).and_then(|()| to.write_all(body)).map_err(&failed)?;
            bytes += (head.len() + body.len()) as u64;
            if let Some(progress) = &mut self.progress
                && reader.head().commit.get().is_multiple_of(COMMITS_TOLD)
            {
                progress(reader.progress()?);
            }
        }
        head.clear();
        put_end(&mut head, &end_of(&reader.standing()));
        to.write_all(&head).and_then(|()| to.flush()).map_err(&failed)?;
        Ok(ExportReport { through: reader.head(), bytes: bytes + head.len() as u64, resumed_behind: None })
    }

    /// What was written earlier, cut behind its last whole commit, and the log behind that.
    fn resume(&self, unfinished: &Path) -> Result<Option<(LogReader, File, u64)>, ExportError> {
        let failed = ExportError::write(unfinished);
        if !unfinished.exists() {
            return Ok(None);
        }
        let mut file = OpenOptions::new().read(true).write(true).open(unfinished).map_err(&failed)?;
        let Some((bytes, end)) = whole_part(&file).map_err(&failed)? else { return Ok(None) };
        let mut reader = LogReader::open(&self.store)?;
        reader.pass_over(|start| start.commit < end.commit);
        while reader.head().commit < end.commit && reader.find_frame()?.is_some() {}
        if end_of(&reader.standing()) != end {
            return Err(ExportError::OtherStore { path: unfinished.to_owned() });
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes)).map(drop)).map_err(&failed)?;
        Ok(Some((reader, file, bytes)))
    }
}

/// How long the whole part of an archive is without its end, and where it ends; `None` where there is nothing to go on from.
fn whole_part(file: &File) -> std::io::Result<Option<(u64, End)>> {
    let mut reader = match ArchiveReader::open(BufReader::with_capacity(BUFFER_BYTES, file)) {
        Ok(reader) => reader,
        Err(ArchiveError::Io(error)) => return Err(error),
        Err(_) => return Ok(None),
    };
    loop {
        let (bytes, end) = (reader.bytes(), reader.behind());
        match reader.next() {
            Ok(Part::Commit(_)) => {}
            Err(ArchiveError::Io(error)) => return Err(error),
            Ok(Part::End) | Err(_) => return Ok(Some((bytes, end))),
        }
    }
}

fn end_of(standing: &Standing) -> End {
    let Standing { chain, commit, position, recorded, .. } = *standing;
    End { chain, commit, position, recorded }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("store", &self.store).field("through", &self.through).finish_non_exhaustive()
    }
}
