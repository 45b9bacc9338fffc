//! A log of a million messages: how fast it is written, read, and opened again, also after `kill -9`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::append::disk;
use crate::feed::{Feed, Rng, contents};
use crate::files::{allocated, status};
use crate::store::{Outcome, Store, open};
use crate::{fresh, median};

const CHANNELS: u64 = 1_000;

/// Ten million with `MESSAGES=10000000` in the environment.
fn messages() -> u64 {
    std::env::var("MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// Reads of 100 messages from the middle of a channel, in us: the median and the 99th of a hundred.
fn reads(store: &dyn Store, last: u64, time: Duration) -> Outcome<(f64, f64)> {
    let (mut rng, mut waits, begun) = (Rng(3), Vec::new(), Instant::now());
    while begun.elapsed() < time {
        let channel = rng.below(CHANNELS);
        let start = Instant::now();
        let rows = store.read(channel, last / 2, 100)?;
        waits.push(start.elapsed().as_secs_f64() * 1e6);
        if rows.len() != 100 || rows.iter().any(|(seq, data)| *data != contents(channel, *seq)) {
            return Err("a read brought something else than was written".into());
        }
    }
    waits.sort_by(f64::total_cmp);
    Ok((waits[waits.len() / 2], waits[waits.len() * 99 / 100]))
}

fn reopened(name: &str, dir: &Path) -> Outcome<(Box<dyn Store>, f64)> {
    let start = Instant::now();
    let store = open(name, dir)?;
    store.last()?;
    let middle = store.read(1, 0, 1)?;
    if middle.is_empty() {
        return Err("nothing there after the opening".into());
    }
    Ok((store, start.elapsed().as_secs_f64() * 1e3))
}

/// The child that is killed: it tells every number whose commit has returned.
pub fn write(name: &str, dir: &Path) -> Outcome<()> {
    let store = open(name, dir)?;
    let mut feed = Feed::after(store.last()?, CHANNELS, 23);
    loop {
        store.commit(&feed.batch(64))?;
        println!("{}", feed.last());
    }
}

/// Kills a writer after a while, and returns the last number that it called committed.
fn killed(name: &str, dir: &Path) -> Outcome<u64> {
    let me = std::env::current_exe()?;
    let mut child = Command::new(me).arg("write").arg(dir).arg(name).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?);
    let (mut start, mut last) = (None, 0);
    let mut dead = false;
    for line in lines.lines() {
        last = line?.parse().unwrap_or(last);
        let start = *start.get_or_insert_with(Instant::now);
        if !dead && start.elapsed() > Duration::from_millis(700) {
            child.kill()?;
            dead = true;
        }
    }
    child.wait()?;
    Ok(last)
}

fn once(name: &str, dir: &Path) -> Outcome<()> {
    let threads = status("Threads");
    let store = open(name, dir)?;
    let threads = status("Threads") - threads;
    let mut feed = Feed::new(CHANNELS, None, 5);
    let mut spent = Duration::ZERO;
    while feed.last() < messages() {
        let next = feed.batch(1_000);
        let start = Instant::now();
        store.commit(&next)?;
        spent += start.elapsed();
    }
    let rate = feed.last() as f64 / spent.as_secs_f64();
    let start = Instant::now();
    store.close()?;
    let closing = start.elapsed().as_secs_f64() * 1e3;
    let size = allocated(dir)? as f64 / feed.live() as f64;

    let mut clean = Vec::new();
    for _ in 0..3 {
        let (store, time) = reopened(name, dir)?;
        clean.push(time);
        store.close()?;
    }

    let (store, _) = reopened(name, dir)?;
    let last = feed.last();
    let idle = reads(&*store, last, Duration::from_secs(1))?;
    let stop = AtomicBool::new(false);
    let (busy, beside) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (start, mut count) = (Instant::now(), 0);
            while !stop.load(Ordering::Relaxed) {
                store.commit(&feed.batch(64))?;
                count += 64;
            }
            Outcome::Ok(f64::from(count) / start.elapsed().as_secs_f64())
        });
        let busy = reads(&*store, last, Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        (busy, writer.join())
    });
    let (busy, beside) = (busy?, beside.map_err(|_| "the writer panicked")??);
    store.close()?;
    Row { rate, closing, size, clean, idle, busy, beside, threads }.finish(name, dir)
}

struct Row {
    rate: f64,
    closing: f64,
    size: f64,
    clean: Vec<f64>,
    idle: (f64, f64),
    busy: (f64, f64),
    beside: f64,
    threads: u64,
}

impl Row {
    fn finish(self, name: &str, dir: &Path) -> Outcome<()> {
        let (mut crashed, mut lost) = (Vec::new(), 0);
        for _ in 0..3 {
            let told = killed(name, dir)?;
            let (store, time) = reopened(name, dir)?;
            lost += told.saturating_sub(store.last()?);
            crashed.push(time);
            store.close()?;
        }
        println!(
            "{name:12}{:>10.0}{:>8.2}{:>10.0}{:>10.1}{:>10.1}{:>6}{:>8.0}{:>8.0}{:>8.0}{:>8.0}{:>10.0}{:>5}",
            self.rate,
            self.size,
            self.closing,
            median(self.clean),
            median(crashed),
            lost,
            self.idle.0,
            self.idle.1,
            self.busy.0,
            self.busy.1,
            self.beside,
            self.threads,
        );
        Ok(())
    }
}

pub fn measure(dir: &Path, names: &[&str]) -> Outcome<()> {
    println!(
        "\na log of {} messages in {CHANNELS} channels, written 1,000 for each commit; times of opening",
        messages()
    );
    println!(
        "with the page cache warm; reads of 100 messages in us, alone and beside a writer of 64 a commit"
    );
    println!(
        "{:12}{:>10}{:>8}{:>10}{:>10}{:>10}{:>6}{:>8}{:>8}{:>8}{:>8}{:>10}{:>5}",
        "",
        "load/s",
        "size x",
        "close ms",
        "open ms",
        "kill ms",
        "lost",
        "read",
        "p99",
        "busy",
        "p99",
        "writes/s",
        "thr"
    );
    let before = fresh(dir, "raw", disk)?;
    for name in names {
        fresh(dir, name, |dir| once(name, dir))?;
    }
    println!(
        "the disk alone: {before:.0} times 4 KiB and fdatasync in a second, after it {:.0}",
        fresh(dir, "raw", disk)?
    );
    Ok(())
}
