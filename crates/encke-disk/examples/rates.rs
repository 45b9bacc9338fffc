//! What the engine does on this disk, beside what the store alone and the disk alone do.
//!
//! `cargo run --release -p encke-disk --example rates -- FOLDER` prints publishes per second; with a number behind the
//! folder also how long a log of so many messages takes to open. Everything is written below FOLDER and removed again.
#![expect(clippy::unwrap_used, reason = "what fails ends it")]

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use encke_core::{ChannelName, LogConfig, Message, Publish, Retention, Timestamp};
use encke_disk::{DiskConfig, DiskEngine};
use encke_hub::Engine;
use redb::{Database, TableDefinition};

const CHANNELS: u64 = 1_000;
const TIME: Duration = Duration::from_secs(3);
const TEXT: usize = 200;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 3 {
        return end_uncleanly(Path::new(&args[1]));
    }
    let dir = tempfile::TempDir::new_in(&args[1]).unwrap();
    println!("disk alone: {:.0} fdatasync/s of 4 KiB", syncs(dir.path()));
    println!("{:24}{:>10}{:>10}{:>10}", "publishes/s, together:", 1, 16, 256);
    let row = |name: &str, rate: &dyn Fn(usize) -> f64| {
        println!("{name:24}{:>10.0}{:>10.0}{:>10.0}", rate(1), rate(16), rate(256));
    };
    row("the store alone", &|together| store_alone(&dir.path().join(format!("store-{together}")), together));
    row("strict", &|together| {
        publishes(&dir.path().join(format!("strict-{together}")), together, false, 1_000)
    });
    row("strict, 100 kept", &|together| {
        publishes(&dir.path().join(format!("trim-{together}")), together, false, 100)
    });
    row("relaxed", &|together| {
        publishes(&dir.path().join(format!("relaxed-{together}")), together, true, 1_000)
    });
    if let Some(messages) = args.get(2) {
        opening(&dir.path().join("opening"), messages.parse().unwrap());
    }
}

fn syncs(dir: &Path) -> f64 {
    let mut file = File::create(dir.join("syncs")).unwrap();
    let (start, mut count) = (Instant::now(), 0.0);
    while start.elapsed() < TIME {
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
        count += 1.0;
    }
    count / start.elapsed().as_secs_f64()
}

/// The same rows without an engine: messages in random channels, and the row of each channel.
fn store_alone(dir: &Path, together: usize) -> f64 {
    const MESSAGES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("messages");
    const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("channels");
    std::fs::create_dir_all(dir).unwrap();
    let database = Database::builder().set_cache_size(64 << 20).create(dir.join("store")).unwrap();
    let (start, mut seq) = (Instant::now(), 0u64);
    while start.elapsed() < TIME {
        let mut keys: Vec<_> =
            (0..together).map(|at| (channel_of(seq + at as u64), seq + at as u64)).collect();
        keys.sort_unstable();
        let write = database.begin_write().unwrap();
        {
            let mut messages = write.open_table(MESSAGES).unwrap();
            let mut rows = write.open_table(ROWS).unwrap();
            for (channel, seq) in keys {
                messages.insert((channel, seq), [7; TEXT + 40].as_slice()).unwrap();
                rows.insert(channel, [7; 40].as_slice()).unwrap();
            }
        }
        write.commit().unwrap();
        seq += together as u64;
    }
    seq as f64 / start.elapsed().as_secs_f64()
}

fn channel_of(seq: u64) -> u64 {
    (seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % CHANNELS
}

fn limits(count: usize) -> LogConfig {
    let retention = Retention { count, bytes: usize::MAX, age: Duration::from_secs(1 << 32) };
    LogConfig { retention, bytes: usize::MAX, ..LogConfig::default() }
}

fn publish(seq: u64) -> Publish {
    let name = ChannelName::new(&format!("channel-{}", channel_of(seq))).unwrap();
    Publish::new(name, Message::text("x".repeat(TEXT)))
}

/// Publishes until `goes_on` says no to how many there were; returns the rate.
fn run(
    engine: &Arc<DiskEngine>,
    together: usize,
    goes_on: impl Fn(u64) -> bool + Copy + Send + 'static,
) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (count, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    runtime.block_on(async {
        let publisher = |_| {
            let (engine, count) = (Arc::clone(engine), Arc::clone(&count));
            tokio::spawn(async move {
                loop {
                    let seq = count.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(seq) {
                        count.fetch_sub(1, Ordering::Relaxed);
                        return;
                    }
                    let (_, wakes) = engine.publish(publish(seq), Timestamp::from_millis(seq)).await.unwrap();
                    wakes.wake();
                }
            })
        };
        for publisher in (0..together).map(publisher).collect::<Vec<_>>() {
            publisher.await.unwrap();
        }
    });
    count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn publishes(dir: &Path, together: usize, relaxed: bool, kept: usize) -> f64 {
    let config = DiskConfig { relaxed, ..DiskConfig::default() };
    let engine = Arc::new(DiskEngine::open(dir, config, limits(kept)).unwrap());
    let start = Instant::now();
    run(&engine, together, move |_| start.elapsed() < TIME)
}

fn opening(dir: &Path, messages: u64) {
    let open = || {
        let start = Instant::now();
        let engine = DiskEngine::open(dir, DiskConfig::default(), limits(usize::MAX)).unwrap();
        (Arc::new(engine), start.elapsed())
    };
    let (engine, _) = open();
    let rate = run(&engine, 4_096, move |count| count < messages);
    drop(engine);
    let bytes = std::fs::metadata(dir.join("encke.redb")).unwrap().len();
    println!("{messages} messages, {} MB, stored at {rate:.0}/s by 4096 together", bytes >> 20);
    let (engine, took) = open();
    println!("opened after a clean end: {took:?}");
    drop(engine);
    let child = std::env::current_exe().unwrap();
    let status = Command::new(child).arg(dir).args(["0", "abort"]).status().unwrap();
    assert!(!status.success());
    let (engine, took) = open();
    println!("opened after an unclean end: {took:?}, last {}", engine.log().head().seq);
}

/// Stores one message in the log at `dir`, and is gone.
fn end_uncleanly(dir: &Path) {
    let engine = Arc::new(DiskEngine::open(dir, DiskConfig::default(), limits(usize::MAX)).unwrap());
    run(&engine, 1, |count| count < 1);
    std::process::abort();
}
