//! A file that is not what was written to it: flipped bits, a cut end, another file.

use std::{
    ffi::OsString,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use encke_disk::{DiskConfig, DiskEngine, DiskError};
use encke_hub::Engine;
use fastrand::Rng;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{
    disk::Disk,
    judge::{Moment, judge},
    story::{Story, limits},
};

/// What became of damaged files.
#[derive(Debug, Default)]
struct Tally {
    trials: usize,
    /// It opened, and everything is there.
    unharmed: usize,
    /// It did not open, and the error says why.
    refused: usize,
    /// It opened, and reading what is damaged fails.
    unreadable: usize,
    /// It opened, and what is missing is told: another epoch.
    told: usize,
    wrong: Vec<String>,
}

/// A log with a story, ended cleanly or killed, and a folder to try what becomes of it.
struct Written {
    story: Story,
    /// The file.
    file: Vec<u8>,
    /// Everything else in the folder.
    others: Vec<(OsString, Vec<u8>)>,
    scratch: TempDir,
}

/// A folder in memory, where there is such a place.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

impl Written {
    fn new(seed: u64, ends: bool) -> Self {
        runtime().block_on(async {
            let (home, disk, mut rng) = (folder(), Disk::new(Vec::new()), Rng::with_seed(seed));
            let engine = open_in(home.path()).unwrap();
            let mut story = Story::new(engine.log().head().epoch);
            for _ in 0..150 {
                assert!(story.step(&engine, &disk, &mut rng).await.is_empty());
            }
            let engine = (!ends).then_some(engine);
            let mut others = files(home.path());
            let largest = (0..others.len()).max_by_key(|at| others[*at].1.len()).unwrap();
            let (_, file) = others.swap_remove(largest);
            drop(engine);
            Self { story, file, others, scratch: folder() }
        })
    }

    /// Puts this in the place of the file, opens it, and reads everything in it.
    fn outcome(&self, file: &[u8]) -> Result<Count, String> {
        let path = self.scratch.path();
        fs::write(path.join(FILE), file).unwrap();
        self.others.iter().for_each(|(name, bytes)| fs::write(path.join(name), bytes).unwrap());
        runtime().block_on(self.judged(path))
    }

    async fn judged(&self, path: &Path) -> Result<Count, String> {
        let engine = match open_in(path) {
            Ok(engine) => engine,
            Err(DiskError::Damaged { .. } | DiskError::Foreign { .. } | DiskError::Version { .. }) => {
                return Ok(|tally| &mut tally.refused);
            }
            Err(other) => return Err(format!("another error: {other}")),
        };
        let renewed = engine.log().head().epoch != self.story.epoch;
        let moment = Moment { relaxed: renewed, ..Moment::end(&self.story) };
        match judge(&engine, &self.story, moment).await {
            Ok(_) if renewed => Ok(|tally| &mut tally.told),
            Ok(_) => Ok(|tally| &mut tally.unharmed),
            Err(wrong) if wrong.contains("unreadable") => Ok(|tally| &mut tally.unreadable),
            Err(wrong) => Err(wrong),
        }
    }
}

/// The file of a log.
const FILE: &str = "encke.redb";

/// Everything in a folder.
fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}

/// What is counted.
type Count = fn(&mut Tally) -> &mut usize;

impl Tally {
    fn trial(&mut self, what: &str, file: &[u8], written: &Written) {
        self.trials += 1;
        match catch_unwind(AssertUnwindSafe(|| written.outcome(file))) {
            Ok(Ok(count)) => *count(self) += 1,
            Ok(Err(wrong)) => self.wrong.push(format!("{what}: {wrong}")),
            Err(_) => self.wrong.push(format!("{what}: a panic")),
        }
    }

    fn report(&self, what: &str) {
        println!(
            "{what:<28} {:>6} {:>9} {:>8} {:>11} {:>5} {:>6}",
            self.trials,
            self.unharmed,
            self.refused,
            self.unreadable,
            self.told,
            self.wrong.len()
        );
        assert!(self.wrong.is_empty(), "{what}: {:#?}", &self.wrong[..self.wrong.len().min(5)]);
    }
}

const TITLE: &str = "damage                       trials  unharmed  refused  unreadable  told  wrong";

/// What the page of the header has, in bytes.
const HEADER: usize = 4_096;

#[test]
fn l5_a_flipped_bit_is_reported_or_does_no_harm() {
    println!("{TITLE}");
    for (ends, word) in [(true, "ended"), (false, "killed")] {
        let written = Written::new(1, ends);
        let mut file = written.file.clone();
        let mut rng = Rng::with_seed(1);
        let used: Vec<usize> = (HEADER..file.len()).filter(|at| file[*at] != 0).collect();
        // The first 512 bytes are its fields; what follows is empty.
        let header = (0..HEADER).filter(|at| *at < 512 || file[*at] != 0 || at % 16 == 0);
        let header: Vec<usize> = header.collect();
        let elsewhere = (0..300).map(|_| used[rng.usize(..used.len())]).collect();
        for (places, what) in [(header, "header bytes"), (elsewhere, "bits elsewhere")] {
            let mut tally = Tally::default();
            for at in places {
                let bit = 1 << rng.u8(..8);
                file[at] ^= bit;
                tally.trial(&format!("byte {at}"), &file, &written);
                file[at] ^= bit;
            }
            tally.report(&format!("{what}, {word}"));
        }
        let mut tally = Tally::default();
        for _ in 0..60 {
            let begin = used[rng.usize(..used.len())] & !511;
            let mut file = file.clone();
            let end = file.len().min(begin + 512);
            file[begin..end].fill(0);
            tally.trial(&format!("sector at {begin}"), &file, &written);
        }
        tally.report(&format!("sectors of zeros, {word}"));
    }
}

#[test]
fn l5_a_file_that_was_cut_is_reported() {
    println!("{TITLE}");
    for (ends, word) in [(true, "ended"), (false, "killed")] {
        let written = Written::new(2, ends);
        let file = &written.file;
        let mut rng = Rng::with_seed(2);
        let last = file.iter().rposition(|byte| *byte != 0).unwrap();
        let tail = (0..=last).rev().step_by(512).take(128).map(|end| end & !511).collect::<Vec<_>>();
        let anywhere = (0..150).map(|_| rng.usize(..last)).chain(0..50).collect();
        for (ends, what) in [(tail, "cut in its tail"), (anywhere, "cut anywhere")] {
            let mut tally = Tally::default();
            for end in ends {
                tally.trial(&format!("cut at {end}"), &file[..end], &written);
            }
            tally.report(&format!("{what}, {word}"));
        }
    }
}

fn open_in(folder: &Path) -> Result<DiskEngine, DiskError> {
    DiskEngine::open(folder, DiskConfig { cache_bytes: 1 << 20, ..DiskConfig::default() }, limits())
}

#[tokio::test]
async fn an_error_names_the_file() {
    let folder = folder();
    drop(open_in(folder.path()).unwrap());
    let file = folder.path().join(FILE);
    let good = fs::read(&file).unwrap();
    let mut rng = Rng::with_seed(3);
    let noise: Vec<u8> = (0..good.len()).map(|_| rng.u8(..)).collect();
    let text = b"This is a letter to my grandmother.\n".repeat(1_000);
    for (what, bytes) in [("noise", noise), ("a text", text), ("a part", good[..5_000].to_vec())] {
        fs::write(&file, &bytes).unwrap();
        let error = open_in(folder.path()).err().unwrap_or_else(|| panic!("{what} was opened"));
        let says = error.to_string();
        assert!(says.contains(file.to_str().unwrap()), "{what}: {says}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}: it is not touched");
    }
    fs::write(&file, &good).unwrap();
    drop(open_in(folder.path()).unwrap());
    let error = open_in(&file).err().unwrap().to_string();
    assert!(error.contains(file.to_str().unwrap()), "a file is no folder: {error}");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = open_in(folder.path()).err().unwrap().to_string();
    assert!(error.contains(file.to_str().unwrap()), "a folder is no file: {error}");
}

#[tokio::test]
async fn a_file_of_another_version_or_of_somebody_else_is_refused() {
    let folder = folder();
    drop(open_in(folder.path()).unwrap());
    let file = folder.path().join(FILE);
    let change = |table: &str, row: &str, value: &[u8]| {
        let database = redb::Database::create(&file).unwrap();
        let write = database.begin_write().unwrap();
        let table: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new(table);
        write.open_table(table).unwrap().insert(row, value).unwrap();
        write.commit().unwrap();
    };
    change("meta", "format", &99u32.to_le_bytes());
    let error = open_in(folder.path()).err().unwrap();
    assert!(matches!(error, DiskError::Version { found: 99, .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    fs::remove_file(&file).unwrap();
    change("cats", "Tom", b"grey");
    let error = open_in(folder.path()).err().unwrap();
    assert!(matches!(error, DiskError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
}

/// S5: what is left of a log that was being made when the power failed is in nobody's way.
#[tokio::test]
async fn a_log_that_was_being_made_is_made_again() {
    let folder = folder();
    let draft = folder.path().join(FILE).with_extension("draft");
    fs::write(&draft, vec![0; 100_000]).unwrap();
    drop(open_in(folder.path()).unwrap());
    assert!(!draft.exists());
    drop(open_in(folder.path()).unwrap());
}

#[tokio::test]
async fn two_do_not_work_in_one_folder() {
    let folder = folder();
    let first = open_in(folder.path()).unwrap();
    let error = open_in(folder.path()).err().unwrap();
    assert!(matches!(error, DiskError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    drop(first);
    drop(open_in(folder.path()).unwrap());
}
