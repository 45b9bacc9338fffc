//! The yardstick: files that are only appended to, with one write and one fdatasync for a commit. The index
//! is in memory and is built anew from the files at the opening; a file goes when nothing in it is live.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Batch, Channel, EachChannel, EachRow, Outcome, Store, number};
use crate::feed::checksum;

/// How large a file may grow before the next one is begun.
const LARGEST: u64 = 32 << 20;

/// A commit: length and checksum of the body. The body: the last number, then removals, rows, channels.
const HEAD: usize = 16;

#[derive(Clone, Copy)]
struct Place {
    segment: u64,
    offset: u64,
    len: u32,
}

struct Segment {
    file: Arc<File>,
    live: u64,
}

struct Inner {
    segments: BTreeMap<u64, Segment>,
    len: u64,
    index: HashMap<u64, VecDeque<(u64, Place)>>,
    channels: HashMap<u64, Channel>,
    last: u64,
}

pub struct Segments {
    dir: PathBuf,
    inner: Mutex<Inner>,
    // The writer's own lock: a reader must not wait for the sync.
    writing: Mutex<()>,
}

fn held<T>(lock: &Mutex<T>) -> Outcome<MutexGuard<'_, T>> {
    lock.lock().map_err(|_| "a thread panicked with the lock in its hands".into())
}

fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:012}.log"))
}

impl Segments {
    pub fn open(dir: &Path) -> Outcome<Self> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let name = entry?.file_name().into_string().unwrap_or_default();
            numbers.extend(name.strip_suffix(".log").and_then(|n| n.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        let (channels, index) = (HashMap::new(), HashMap::new());
        let mut inner = Inner { segments: BTreeMap::new(), len: 0, index, channels, last: 0 };
        for (at, segment) in numbers.iter().enumerate() {
            let bytes = std::fs::read(path(dir, *segment))?;
            let file = Arc::new(OpenOptions::new().read(true).append(true).open(path(dir, *segment))?);
            inner.segments.insert(*segment, Segment { file: file.clone(), live: 0 });
            let whole = inner.replay(*segment, &bytes)?;
            if whole < bytes.len() {
                // The end of the newest file may be torn by a crash; elsewhere it is damage.
                if at + 1 < numbers.len() {
                    return Err(format!("segment {segment} is damaged at {whole}").into());
                }
                file.set_len(whole as u64)?;
            }
            inner.len = whole as u64;
        }
        Ok(Self { dir: dir.to_owned(), inner: Mutex::new(inner), writing: Mutex::new(()) })
    }
}

impl Inner {
    /// Takes the whole commits of a file into the index, and returns where they end.
    fn replay(&mut self, segment: u64, bytes: &[u8]) -> Outcome<usize> {
        let mut at = 0;
        while let Some(head) = bytes.get(at..at + HEAD) {
            let (len, sum) = (number(&head[..8])? as usize, number(&head[8..])?);
            let end = (at + HEAD).checked_add(len).filter(|end| len > 0 && *end <= bytes.len());
            let Some(body) = end.map(|end| &bytes[at + HEAD..end]) else { break };
            if checksum(body) != sum {
                break;
            }
            self.take(segment, (at + HEAD) as u64, body)?;
            at += HEAD + len;
        }
        Ok(at)
    }

    fn take(&mut self, segment: u64, start: u64, body: &[u8]) -> Outcome<()> {
        let mut words = body.chunks_exact(8).map(|word| number(word).unwrap_or(0));
        let mut word = || words.next().ok_or("a commit ends early");
        let (last, removed, rows, channels) = (word()?, word()?, word()?, word()?);
        self.last = last;
        for _ in 0..removed {
            self.remove(word()?, word()?);
        }
        for _ in 0..channels {
            let channel = word()?;
            self.channels.insert(channel, Channel { count: word()?, bytes: word()?, last: word()? });
        }
        let mut at = 32 + 16 * removed as usize + 32 * channels as usize;
        for _ in 0..rows {
            let head = body.get(at..at + 24).ok_or("a row ends early")?;
            let (channel, seq, len) =
                (number(&head[..8])?, number(&head[8..16])?, number(&head[16..])? as u32);
            let place = Place { segment, offset: start + at as u64 + 24, len };
            self.index.entry(channel).or_default().push_back((seq, place));
            if let Some(segment) = self.segments.get_mut(&segment) {
                segment.live += 1;
            }
            at += 24 + len as usize;
        }
        Ok(())
    }

    fn remove(&mut self, channel: u64, seq: u64) {
        let Some(rows) = self.index.get_mut(&channel) else { return };
        while let Some((_, place)) = rows.pop_front_if(|(first, _)| *first <= seq) {
            if let Some(segment) = self.segments.get_mut(&place.segment) {
                segment.live -= 1;
            }
        }
    }
}

fn encode(batch: &Batch) -> Vec<u8> {
    let mut out = vec![0; HEAD];
    let mut put = |word: u64| out.extend_from_slice(&word.to_be_bytes());
    put(batch.last);
    put(batch.removed.len() as u64);
    put(batch.rows.len() as u64);
    put(batch.channels.len() as u64);
    for (channel, seq) in &batch.removed {
        put(*channel);
        put(*seq);
    }
    for (channel, row) in &batch.channels {
        [*channel, row.count, row.bytes, row.last].into_iter().for_each(&mut put);
    }
    for (channel, seq, data) in &batch.rows {
        [*channel, *seq, data.len() as u64]
            .iter()
            .for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
        out.extend_from_slice(data);
    }
    let (len, sum) = ((out.len() - HEAD) as u64, checksum(&out[HEAD..]));
    out[..8].copy_from_slice(&len.to_be_bytes());
    out[8..HEAD].copy_from_slice(&sum.to_be_bytes());
    out
}

impl Store for Segments {
    fn commit(&self, batch: &Batch) -> Outcome<()> {
        let _writing = held(&self.writing)?;
        let bytes = encode(batch);
        let (number, start, file) = {
            let mut inner = held(&self.inner)?;
            if inner.segments.is_empty() || inner.len > LARGEST {
                let next = inner.segments.last_key_value().map_or(0, |(number, _)| number + 1);
                let mut options = OpenOptions::new();
                options.read(true).append(true).create_new(true);
                let file = Arc::new(options.open(path(&self.dir, next))?);
                File::open(&self.dir)?.sync_all()?;
                inner.segments.insert(next, Segment { file, live: 0 });
                inner.len = 0;
                // From the front only: what a file removes is then always in a file that is gone already.
                while let Some(first) =
                    inner.segments.first_entry().filter(|s| s.get().live == 0 && *s.key() != next)
                {
                    let (number, _) = first.remove_entry();
                    std::fs::remove_file(path(&self.dir, number))?;
                }
            }
            let (number, segment) = inner.segments.last_key_value().ok_or("no segment")?;
            (*number, inner.len, segment.file.clone())
        };
        (&*file).write_all(&bytes)?;
        file.sync_data()?;
        let mut inner = held(&self.inner)?;
        inner.len += bytes.len() as u64;
        inner.take(number, start + HEAD as u64, &bytes[HEAD..])
    }

    fn read(&self, channel: u64, from: u64, most: usize) -> Outcome<Vec<(u64, Vec<u8>)>> {
        let places: Vec<(u64, Place, Arc<File>)> = {
            let inner = held(&self.inner)?;
            let Some(rows) = inner.index.get(&channel) else { return Ok(Vec::new()) };
            let first = rows.partition_point(|(seq, _)| *seq < from);
            let found = rows.range(first..).take(most);
            found.map(|(seq, place)| (*seq, *place, inner.segments[&place.segment].file.clone())).collect()
        };
        let mut out = Vec::with_capacity(places.len());
        for (seq, place, file) in places {
            let mut data = vec![0; place.len as usize];
            file.read_exact_at(&mut data, place.offset)?;
            out.push((seq, data));
        }
        Ok(out)
    }

    fn last(&self) -> Outcome<u64> {
        Ok(held(&self.inner)?.last)
    }

    fn messages(&self, each: &mut EachRow<'_>) -> Outcome<()> {
        let mut channels: Vec<u64> = held(&self.inner)?.index.keys().copied().collect();
        channels.sort_unstable();
        for channel in channels {
            for (seq, data) in self.read(channel, 0, usize::MAX >> 16)? {
                each(channel, seq, &data);
            }
        }
        Ok(())
    }

    fn channels(&self, each: &mut EachChannel<'_>) -> Outcome<()> {
        let mut rows: Vec<_> = held(&self.inner)?.channels.iter().map(|(c, row)| (*c, *row)).collect();
        rows.sort_unstable_by_key(|(channel, _)| *channel);
        rows.into_iter().for_each(|(channel, row)| each(channel, row));
        Ok(())
    }

    fn close(self: Box<Self>) -> Outcome<()> {
        Ok(())
    }
}
