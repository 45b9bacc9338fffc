//! Folders and files that are not as they should be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use encke_core::Timestamp;
use encke_disk::{DiskConfig, DiskEngine, DiskError};
use encke_hub::{Durability, Engine, EngineError, Health};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

use crate::common::{all, asks, forgetful, name, open, store, text};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const CHANNELS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("channels");
const MESSAGES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("messages");

fn try_open(dir: &Path) -> Result<DiskEngine, DiskError> {
    DiskEngine::open(dir, DiskConfig::default(), forgetful())
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("encke.redb")
}

#[tokio::test]
async fn a_second_one_is_refused_and_told_who_has_the_folder() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(&error, DiskError::Locked { pid: Some(pid), .. } if *pid == std::process::id()),
        "{error}"
    );
    assert!(error.to_string().contains(&dir.path().display().to_string()));
    drop(engine);
    drop(open(&dir));
}

#[test]
fn another_version_is_named() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let database = Database::open(file(&dir)).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(META).unwrap().insert("format", 7u32.to_le_bytes().as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(error, DiskError::Version { found: 7, supported: 1, .. }), "{error}");
}

#[test]
fn what_is_not_a_log_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let no_folder = dir.path().join("file");
    fs::write(&no_folder, "something").unwrap();
    assert!(matches!(try_open(&no_folder).unwrap_err(), DiskError::Foreign { .. }));
    let other = TempDir::new().unwrap();
    let database = Database::create(file(&other)).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(try_open(other.path()).unwrap_err(), DiskError::Foreign { .. }));
    fs::write(file(&dir), "this is no database, and long enough to be looked at".repeat(200)).unwrap();
    assert!(matches!(try_open(dir.path()).unwrap_err(), DiskError::Damaged { .. }));
    assert!(matches!(try_open(Path::new("/proc/nowhere")).unwrap_err(), DiskError::Io { .. }));
}

/// What a kill leaves behind: the files as they are while the engine runs.
fn image(dir: &TempDir) -> TempDir {
    let image = TempDir::new().unwrap();
    for name in ["encke.redb", "encke.head"] {
        fs::copy(dir.path().join(name), image.path().join(name)).unwrap();
    }
    image
}

#[tokio::test]
async fn l2_an_unclean_end_keeps_the_epoch_if_each_answer_was_safe() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    for number in 1..=20 {
        store(&engine, text(&["a"], "x"), number).await.unwrap();
    }
    let epoch = engine.log().head().epoch;
    let engine = open(&image(&dir));
    assert_eq!((engine.log().head().epoch, engine.log().head().seq), (epoch, 20));
    assert_eq!(all(&engine, &["a"], 100).await.len(), 20);
}

#[tokio::test]
async fn l2_an_older_copy_begins_a_new_epoch() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    store(&engine, text(&["a"], "x"), 1).await.unwrap();
    let epoch = engine.log().head().epoch;
    let copy = image(&dir);
    store(&engine, text(&["a"], "y"), 2).await.unwrap();
    fs::copy(dir.path().join("encke.head"), copy.path().join("encke.head")).unwrap();
    let engine = open(&copy);
    assert_ne!(engine.log().head().epoch, epoch);
    assert_eq!(engine.log().head().seq, 2, "no number is given twice");
    assert_eq!(all(&engine, &["a"], 100).await.len(), 1);
}

/// The newest commit may be taken for one that was not finished; what was only removed by it must not come back unnoticed.
#[tokio::test]
async fn l2_a_commit_that_is_lost_begins_a_new_epoch_also_without_messages_in_it() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    store(&engine, text(&["a"], "x"), 1).await.unwrap();
    let epoch = engine.log().head().epoch;
    let copy = image(&dir);
    assert!(engine.delete(&name("a")).await.unwrap());
    fs::copy(dir.path().join("encke.head"), copy.path().join("encke.head")).unwrap();
    assert_ne!(open(&copy).log().head().epoch, epoch);
}

#[tokio::test]
async fn l5_an_emptied_file_is_not_a_new_log() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    fs::write(file(&dir), "").unwrap();
    for _ in 0..2 {
        assert!(matches!(try_open(dir.path()).unwrap_err(), DiskError::Damaged { .. }));
    }
    fs::remove_file(dir.path().join("encke.head")).unwrap();
    drop(open(&dir));
}

#[tokio::test]
async fn l2_a_relaxed_log_begins_a_new_epoch_unless_nothing_can_be_lost() {
    let config = DiskConfig { relaxed: true, ..DiskConfig::default() };
    let open = |dir: &TempDir| DiskEngine::open(dir.path(), config.clone(), forgetful()).unwrap();
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    assert_eq!(engine.durability(), Durability::Relaxed);
    let epoch = engine.log().head().epoch;
    let stored = store(&engine, text(&["a"], "x"), 1).await.unwrap();
    assert_eq!(stored.cursor.seq, 1);
    assert_eq!(all(&engine, &["a"], 100).await.len(), 1);
    drop(engine);
    let engine = open(&dir);
    assert_eq!(engine.log().head().epoch, epoch, "it ended cleanly");
    // It was written anew by the opening and nothing was answered since.
    assert_eq!(open(&image(&dir)).log().head().epoch, epoch, "nothing was lost");
    let unwitnessed = image(&dir);
    fs::remove_file(unwitnessed.path().join("encke.head")).unwrap();
    assert_ne!(open(&unwitnessed).log().head().epoch, epoch, "nobody knows");
    let lagging = DiskConfig { sync_every: std::time::Duration::from_secs(3_600), ..config.clone() };
    drop(engine);
    let engine = DiskEngine::open(dir.path(), lagging, forgetful()).unwrap();
    store(&engine, text(&["a"], "x"), 2).await.unwrap();
    let after = open(&image(&dir));
    assert_ne!(after.log().head().epoch, epoch, "the second was lost");
    assert!(after.log().head().seq >= 2);
}

/// Opens a log of 20 messages in one channel after `change` has changed the tables.
async fn changed(change: impl FnOnce(&redb::WriteTransaction)) -> (TempDir, Result<DiskEngine, DiskError>) {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    for number in 1..=20 {
        store(&engine, text(&["a"], "x"), number).await.unwrap();
    }
    drop(engine);
    let database = Database::open(file(&dir)).unwrap();
    let write = database.begin_write().unwrap();
    change(&write);
    write.commit().unwrap();
    drop(database);
    let opened = try_open(dir.path());
    (dir, opened)
}

async fn is_told(engine: &DiskEngine, from: u64) {
    let older = asks(engine, &["a"], from, 20, 100);
    assert_eq!(engine.older(older).await, Err(EngineError::Unavailable));
    assert!(matches!(engine.health(), Health::Ill(why) if why.contains("encke.redb")));
    let refused = store(engine, text(&["a"], "x"), 30).await;
    assert_eq!(refused, Err(EngineError::Unavailable));
}

#[tokio::test]
async fn l5_a_changed_message_is_not_served() {
    let (_dir, engine) = changed(|write| {
        let mut messages = write.open_table(MESSAGES).unwrap();
        let mut row = messages.get((1, 7)).unwrap().unwrap().value().to_vec();
        row[3] ^= 1;
        messages.insert((1, 7), row.as_slice()).unwrap();
    })
    .await;
    is_told(&engine.unwrap(), 3).await;
}

#[tokio::test]
async fn l5_a_message_of_another_place_is_not_served() {
    let (_dir, engine) = changed(|write| {
        let mut messages = write.open_table(MESSAGES).unwrap();
        let row = messages.get((1, 8)).unwrap().unwrap().value().to_vec();
        messages.insert((1, 7), row.as_slice()).unwrap();
    })
    .await;
    is_told(&engine.unwrap(), 3).await;
}

#[tokio::test]
async fn l5_no_hole_is_passed_in_silence() {
    for (missing, from) in [(7, 3), (7, 6), (20, 3), (20, 19), (1, 0)] {
        let (_dir, engine) = changed(|write| {
            write.open_table(MESSAGES).unwrap().remove((1, missing)).unwrap();
        })
        .await;
        is_told(&engine.unwrap(), from).await;
    }
}

#[tokio::test]
async fn l5_channels_that_cannot_be_read_or_are_missing_are_told_at_once() {
    let spoil = |row: Option<Vec<u8>>| {
        changed(move |write| {
            let mut channels = write.open_table(CHANNELS).unwrap();
            match row {
                Some(row) => drop(channels.insert(1, row.as_slice()).unwrap()),
                None => drop(channels.remove(1).unwrap()),
            }
        })
    };
    for row in [None, Some(vec![]), Some(vec![1, 2, 3, 4, 5, 6])] {
        let (_dir, opened) = spoil(row).await;
        assert!(matches!(opened.unwrap_err(), DiskError::Damaged { .. }));
    }
    let (_dir, opened) = changed(|write| {
        let mut meta = write.open_table(META).unwrap();
        let mut row = meta.get("state").unwrap().unwrap().value().to_vec();
        row[0] ^= 1;
        meta.insert("state", row.as_slice()).unwrap();
    })
    .await;
    assert!(matches!(opened.unwrap_err(), DiskError::Damaged { .. }));
}

/// Every byte of a small log, changed one at a time.
#[tokio::test]
async fn l5_no_flipped_bit_makes_another_message() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    for number in 1..=20 {
        store(&engine, text(&["a"], &format!("message {number}")), number).await.unwrap();
    }
    drop(engine);
    let database = Database::open(file(&dir)).unwrap();
    assert_eq!(database.begin_read().unwrap().open_table(MESSAGES).unwrap().iter().unwrap().count(), 20);
    drop(database);
    let good = fs::read(file(&dir)).unwrap();
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    let spoilt = TempDir::new().unwrap();
    let (mut fine, mut told) = (0, 0);
    for at in used.iter().step_by(used.len() / 150) {
        let mut bytes = good.clone();
        bytes[*at] ^= 1 << (at % 8);
        fs::write(file(&spoilt), bytes).unwrap();
        let Ok(engine) = try_open(spoilt.path()) else {
            told += 1;
            continue;
        };
        match engine.older(asks(&engine, &["a"], 0, 20, 100)).await {
            Err(error) => {
                assert_eq!(error, EngineError::Unavailable);
                told += 1;
            }
            Ok(page) => {
                let seqs: Vec<_> = page.records.iter().map(|record| record.seq).collect();
                assert_eq!(seqs, (1..=engine.log().head().seq).collect::<Vec<_>>());
                for record in page.records {
                    assert_eq!(record.message.as_text(), Some(format!("message {}", record.seq).as_str()));
                    assert_eq!(record.time, Timestamp::from_millis(record.seq));
                }
                fine += 1;
            }
        }
    }
    assert!(fine > 0 && told > 0, "{fine} fine, {told} told");
}
