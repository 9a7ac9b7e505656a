//! Reading events at known places; what lies close together is read at once.

use std::sync::Arc;

use annals_core::{ReadError, Record, Records, RecordsBuilder};

use super::{
    Log, Place,
    cache::{Entry, EventCache},
    event_head::{EventHead, Met},
    frame::{FRAME_HEADER, FrameHeader},
    io_error,
    item::take_item,
    item_error,
    segment::Segment,
    wire::Cursor,
};

/// An event within this many bytes of the beginning of its frame is read together with the frame's header.
const NEAR_BYTES: u64 = 4096;

/// Events this close to each other are read together: a read costs about as much as copying so many bytes.
const GAP_BYTES: u64 = 4096;

/// At most this much is read together.
const TOGETHER_BYTES: u64 = 64 << 10;

/// A read lets the cache keep so many events, each by itself, and no more: what it reads behind them comes in runs, or is not
/// likely to come again soon.
const CACHE_EVENTS: usize = 1024;

/// A run that is larger is not kept.
const RUN_BYTES_MAX: usize = 1 << 20;

/// Reads events at known places.
pub(crate) struct Gather {
    log: Arc<Log>,
    cache: Arc<EventCache>,
    /// How many more bytes of the cache this read may have, and how many more events it is to keep each by itself.
    cache_bytes: usize,
    cache_events: usize,
    /// Whether what is asked for at once is a run.
    in_runs: bool,
    segment: Option<(Arc<Segment>, u64)>,
    /// What was read last, and where it stands in the log. The buffer is used again and again.
    window: Vec<u8>,
    window_at: u64,
    /// The header of the frame that was read last.
    header: Option<(u64, FrameHeader)>,
    met: Met,
}

impl Place {
    fn item_at(&self) -> u64 {
        self.frame.saturating_add(u64::from(self.item))
    }

    fn end(&self) -> u64 {
        self.item_at().saturating_add(u64::from(self.length))
    }

    fn is_near(&self) -> bool {
        u64::from(self.item) + u64::from(self.length) <= NEAR_BYTES
    }
}

impl Gather {
    pub(crate) fn new(log: &Arc<Log>, cache: &Arc<EventCache>) -> Self {
        let (log, cache) = (Arc::clone(log), Arc::clone(cache));
        let (window, met) = (Vec::new(), Met::default());
        let (cache_bytes, cache_events, in_runs) = (cache.read_bytes(), CACHE_EVENTS, false);
        Self { log, cache, cache_bytes, cache_events, in_runs, segment: None, window, window_at: 0, header: None, met }
    }

    /// From here on all that is asked for at once is a run: the cache is asked for the whole of it, and may keep it.
    pub(crate) fn go_in_runs(&mut self) {
        self.in_runs = true;
    }

    /// The records at `places`, which stand in the order of the log. Checks the header of each one's frame and the
    /// event itself, now or when it was read before and kept.
    ///
    /// Those that the cache keeps by themselves are each by themselves in memory, the others together.
    pub(crate) fn records(&mut self, places: &[Place]) -> Vec<Result<Record, ReadError>> {
        if let Some(run) = self.find_run(places) {
            return run.map(Ok).collect();
        }
        let (mut found, mut new, mut together) = (Vec::with_capacity(places.len()), Vec::new(), RecordsBuilder::new());
        let (kept, bytes) = if self.in_runs { Default::default() } else { self.cache.find(places) };
        self.cache_bytes = self.cache_bytes.saturating_sub(bytes);
        let mut kept = kept.into_iter();
        if self.in_runs {
            // Enough at once, so that a run takes no more memory than it needs.
            together.reserve(places.len(), bytes_at(places).min(RUN_BYTES_MAX));
        }
        let mut rest = places;
        while let Some((place, following)) = rest.split_first() {
            found.push(match kept.next().flatten() {
                Some(record) => Ok(Some(record)),
                None => self.read(*place, following, &mut new, &mut together),
            });
            rest = following;
        }
        let mut together = together.finish();
        new.extend(self.run_to_keep(places, &together));
        self.cache.keep(new);
        let lost = || ReadError::Index { reason: "a record was read and is not there".into() };
        found.into_iter().map(|record| record?.or_else(|| together.next()).ok_or_else(lost)).collect()
    }

    fn find_run(&mut self, places: &[Place]) -> Option<Records> {
        if !self.in_runs {
            return None;
        }
        let (run, bytes) = self.cache.find_run(places)?;
        self.cache_bytes = self.cache_bytes.saturating_sub(bytes);
        Some(run)
    }

    /// What was read at `places` as a run, if it is whole and is to be kept.
    fn run_to_keep(&mut self, places: &[Place], records: &Records) -> Option<Entry> {
        let is_whole = records.len() == places.len() && bytes_at(places) <= RUN_BYTES_MAX;
        if !self.in_runs || !is_whole || self.cache_bytes == 0 || !self.cache.lets_in(places.first()?.position) {
            return None;
        }
        Entry::run(places, records).filter(|run| self.has_room_for(run))
    }

    /// Whether this read may have the cache keep `entry`, too.
    fn has_room_for(&mut self, entry: &Entry) -> bool {
        self.cache_bytes = self.cache_bytes.saturating_sub(entry.bytes());
        self.cache_bytes > 0
    }

    /// Reads the event at `place`: the record, noted for the cache, or `None` where it was added to those that are `together`.
    fn read(
        &mut self,
        place: Place,
        following: &[Place],
        new: &mut Vec<Entry>,
        together: &mut RecordsBuilder,
    ) -> Result<Option<Record>, ReadError> {
        let lost = || ReadError::Index { reason: format!("it places position {} outside the log", place.position) };
        let segment = self.segment(place.frame).ok_or_else(lost)?;
        let header = self.header(&segment, place, following)?;
        let ordinal = place.position.get().checked_sub(header.common.first.get()).ok_or_else(lost)?;
        let index = usize::try_from(ordinal).unwrap_or(usize::MAX).saturating_add(usize::from(header.keyed));
        let end = || end_of_cluster(place.item_at(), place, following);
        let is_kept =
            !self.in_runs && self.cache_events > 0 && self.cache_bytes > 0 && self.cache.lets_in(place.position);
        let mut met = std::mem::take(&mut self.met);
        let item = self.bytes(&segment, place.item_at(), place.length as usize, end)?;
        let record = take_item(&mut Cursor::new(item), header.common.commit, index)
            .and_then(EventHead::take)
            .and_then(|head| {
                head.read(header.common, &mut met, |parts| {
                    if is_kept {
                        return Some(Record::of(parts));
                    }
                    together.add(parts);
                    None
                })
            })
            .map_err(|error| item_error(&segment, place.item_at(), error));
        self.met = met;
        let record = record?;
        if let Some(record) = &record {
            self.cache_events -= 1;
            new.extend(Some(Entry::event(place, record.clone())).filter(|event| self.has_room_for(event)));
        }
        Ok(record)
    }

    fn header(&mut self, segment: &Segment, place: Place, following: &[Place]) -> Result<FrameHeader, ReadError> {
        if let Some((at, header)) = self.header
            && at == place.frame
        {
            return Ok(header);
        }
        // Near the event it costs no read of its own.
        let kept = if place.is_near() { None } else { self.cache.headers.find(place.frame) };
        if let Some(header) = kept {
            self.header = Some((place.frame, header));
            return Ok(header);
        }
        let log = self.log.id;
        let end = || if place.is_near() { end_of_cluster(place.frame, place, following) } else { 0 };
        let header = FrameHeader::take(self.bytes(segment, place.frame, FRAME_HEADER, end)?, log, place.frame)
            .ok_or_else(|| segment.corruption(place.frame, "the header of a commit does not match its checksum"))?;
        if !place.is_near() {
            self.cache.headers.keep(place.frame, header);
        }
        self.header = Some((place.frame, header));
        Ok(header)
    }

    /// The segment that holds the log offset `at`.
    fn segment(&mut self, at: u64) -> Option<Arc<Segment>> {
        if let Some((segment, end)) = &self.segment
            && (segment.start.offset..*end).contains(&at)
        {
            return Some(Arc::clone(segment));
        }
        let (segment, next) = self.log.segment(at)?;
        // The last segment is looked up each time: another one may be begun behind it.
        self.segment = next.map(|next| (Arc::clone(&segment), next));
        Some(segment)
    }

    /// `length` bytes at the log offset `at`, or fewer where the file ends. If they are not there yet, everything up
    /// to `end` is read with them.
    fn bytes(
        &mut self,
        segment: &Segment,
        at: u64,
        length: usize,
        end: impl FnOnce() -> u64,
    ) -> Result<&[u8], ReadError> {
        let skip = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        let range = skip.and_then(|skip| Some(skip..skip.checked_add(length)?));
        let range = match range.filter(|range| range.end <= self.window.len()) {
            Some(range) => range,
            None => {
                let wanted = usize::try_from(end().saturating_sub(at)).unwrap_or_default().max(length);
                self.window_at = at;
                segment.read_into(at, wanted, &mut self.window).map_err(|error| io_error(segment, &error))?;
                0..length.min(self.window.len())
            }
        };
        Ok(self.window.get(range).unwrap_or_default())
    }
}

/// How many bytes of the log the events at `places` are.
fn bytes_at(places: &[Place]) -> usize {
    places.iter().fold(0, |bytes, place| bytes.saturating_add(place.length as usize))
}

/// Where the events end that are read together with `place`, from the log offset `from` on.
fn end_of_cluster(from: u64, place: Place, following: &[Place]) -> u64 {
    let mut last = place;
    for next in following {
        let begins = if next.frame == last.frame { next.item_at() } else { next.frame };
        let together = next.is_near() || next.frame == last.frame;
        if !together || begins > last.end() + GAP_BYTES || next.end() > from + TOGETHER_BYTES {
            break;
        }
        last = *next;
    }
    last.end()
}

#[cfg(test)]
pub(crate) mod tests {
    use annals_core::{Commit, EventType, NewEvent, Position, Timestamp, Version, judge::Placement};
    use uuid::Uuid;

    use super::*;
    use crate::log::{
        disk::Disk,
        frame::{SEGMENT_HEADER, Standing, put_frame},
        writer::create_segment,
    };

    /// A log of frames with so many events each, behind each frame so many bytes of something else, and its places.
    pub(crate) fn log_of(folder: &std::path::Path, frames: &[(usize, usize)]) -> (Arc<Log>, Vec<Place>) {
        let id = Uuid::from_u128(7);
        let segment = create_segment(&Disk::default(), folder, id, Standing::START).unwrap();
        let mut standing = Standing { offset: SEGMENT_HEADER as u64, ..Standing::START };
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for (events, gap) in frames {
            let first = standing.position.next();
            let event = |number| {
                let event_type = EventType::new("test.happened").unwrap();
                NewEvent::new("s-1".parse().unwrap(), event_type, format!("{} {}", first, number))
            };
            let commit = Commit::of((0..*events).map(event));
            let placement = Placement {
                commit: standing.commit.next(),
                first,
                recorded: Timestamp::EPOCH,
                versions: (0..*events).map(|number| Version::new(first.get() + number as u64).unwrap()).collect(),
            };
            let frame = standing.offset;
            let mut items = Vec::new();
            put_frame(&mut bytes, id, &mut standing, (&commit, &placement), &mut items);
            for (item, length) in items {
                let position = Position::new(places.len() as u64 + 1).unwrap();
                places.push(Place { position, frame, item, length });
            }
            bytes.resize(bytes.len() + gap, 0xa5);
            standing.offset += *gap as u64;
        }
        segment.file.write_at(&bytes, SEGMENT_HEADER as u64).unwrap();
        (Arc::new(Log::new(id, folder.to_owned(), Disk::default(), vec![Arc::new(segment)])), places)
    }

    /// Reads without a cache.
    fn gather(log: &Arc<Log>) -> Gather {
        Gather::new(log, &Arc::new(EventCache::new(0)))
    }

    fn positions(records: &[Result<Record, ReadError>]) -> Vec<u64> {
        records.iter().map(|record| record.as_ref().map_or(0, |record| record.position().get())).collect()
    }

    fn whole(records: Vec<Result<Record, ReadError>>) -> Vec<Record> {
        records.into_iter().collect::<Result<_, _>>().unwrap()
    }

    /// Frames of one and of many events, far from and close to each other: each event is found, whatever is asked for
    /// with it.
    #[test]
    fn places_read_the_same_together_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let frames = [(1, 0), (1, 100), (400, 0), (1, 5_000), (3, 70_000), (2, 0), (1, 0)];
        let (log, places) = log_of(folder.path(), &frames);
        let together = gather(&log).records(&places);
        assert_eq!(positions(&together), (1..=409).collect::<Vec<_>>());
        for (place, record) in places.iter().zip(&together) {
            let alone = gather(&log).records(&[*place]);
            assert_eq!(alone[0].as_ref().unwrap(), record.as_ref().unwrap());
        }
        for step in [2, 3, 7, 150] {
            let some: Vec<_> = places.iter().step_by(step).copied().collect();
            let expected: Vec<_> = some.iter().map(|place| place.position.get()).collect();
            assert_eq!(positions(&gather(&log).records(&some)), expected, "every {step}th");
        }
    }

    /// What was read once is given out again as it was, also when the log cannot be read any more; what was not is read.
    #[test]
    fn what_is_kept_is_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &[(1, 0), (3, 0), (1, 0)]);
        let cache = Arc::new(EventCache::new(1 << 20));
        let kept = |places: &[Place]| whole(Gather::new(&log, &cache).records(places));
        let expected = whole(gather(&log).records(&places));
        assert_eq!(kept(&places[1..3]), expected[1..3]);
        assert_eq!(kept(&places), expected);
        let (segment, _) = log.segment(0).unwrap();
        segment.file.set_length(0).unwrap();
        assert_eq!(kept(&places), expected);
        assert!(gather(&log).records(&places).iter().all(Result::is_err));
    }

    /// The same in runs: one is given out again as it was, as long as it is asked for as a whole.
    #[test]
    fn runs_are_kept_as_they_were_read() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &[(1, 0), (3, 0), (1, 0)]);
        let cache = Arc::new(EventCache::new(1 << 20));
        let in_runs = |places: &[Place]| {
            let mut gather = Gather::new(&log, &cache);
            gather.go_in_runs();
            gather.records(places)
        };
        let expected = whole(gather(&log).records(&places));
        assert_eq!(whole(in_runs(&places)), expected);
        let (segment, _) = log.segment(0).unwrap();
        segment.file.set_length(0).unwrap();
        assert_eq!(whole(in_runs(&places)), expected);
        assert!(in_runs(&places[1..]).iter().all(Result::is_err));
        assert!(in_runs(&places[..4]).iter().all(Result::is_err));
    }

    /// What cannot be read whole is no run, however often it is asked for, and takes no memory that it only announces.
    #[test]
    fn damaged_runs_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut places) = log_of(folder.path(), &[(1, 0), (3, 0), (1, 0)]);
        let cache = Arc::new(EventCache::new(1 << 20));
        let right = places[2];
        let mut in_runs = Gather::new(&log, &cache);
        in_runs.go_in_runs();
        places[2].item = places[1].item;
        for _ in 0..3 {
            assert_eq!(positions(&in_runs.records(&places)), [1, 2, 0, 4, 5]);
        }
        places[2] = Place { length: u32::MAX, ..right };
        assert_eq!(positions(&in_runs.records(&places)), [1, 2, 3, 4, 5], "the item tells its own length");
        assert!(cache.find_run(&places).is_none());
        places[2] = right;
        assert_eq!(positions(&in_runs.records(&places)), [1, 2, 3, 4, 5]);
        assert!(cache.find_run(&places).is_some());
    }

    /// P9: one read keeps runs in half of the cache only.
    #[test]
    fn a_read_keeps_runs_in_half_of_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &vec![(1, 0); 2_000]);
        let cache = Arc::new(EventCache::new(200_000));
        let mut in_runs = Gather::new(&log, &cache);
        in_runs.go_in_runs();
        let mut kept = 0;
        for run in places.chunks(10) {
            in_runs.records(run);
            kept += cache.find_run(run).map_or(0, |(_, bytes)| bytes);
        }
        assert!((80_000..100_000).contains(&kept), "{kept} bytes");
    }

    /// P10: damage is reported for the event that it hits, with file and byte, and for no other.
    #[test]
    fn damage_hits_only_the_event_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &[(1, 0), (3, 0), (1, 0)]);
        let (segment, _) = log.segment(0).unwrap();
        let hit = places[2];
        let at = hit.item_at() + u64::from(hit.length) - 1;
        segment.file.write_at(b"!", at).unwrap();
        let records = gather(&log).records(&places);
        assert_eq!(positions(&records), [1, 2, 0, 4, 5]);
        let Err(ReadError::Corrupt(corruption)) = &records[2] else { panic!("{:?}", records[2]) };
        assert_eq!((&corruption.file, corruption.offset), (&segment.path.display().to_string(), hit.item_at()));
        segment.file.write_at(b"!", places[0].frame + 20).unwrap();
        assert!(
            matches!(&gather(&log).records(&places)[0], Err(ReadError::Corrupt(found)) if found.offset == places[0].frame)
        );
    }

    /// A place that an unsound index gives is an error, never another event.
    #[test]
    fn a_wrong_place_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &[(1, 0), (3, 0)]);
        let right = places[2];
        for wrong in [
            Place { position: Position::from(2), ..right },
            Place { position: Position::ZERO, ..right },
            Place { item: places[1].item, ..right },
            Place { length: 4, ..right },
            Place { frame: places[0].frame, ..right },
            Place { frame: 1 << 40, ..right },
            Place { item: u32::MAX, length: u32::MAX, ..right },
        ] {
            let records = gather(&log).records(&[places[0], wrong]);
            assert!(records[0].is_ok() && records[1].is_err(), "{wrong:?}");
        }
    }
}
