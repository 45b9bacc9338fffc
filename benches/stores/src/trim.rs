//! Appending while only the newest 100 messages of each channel stay.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::append::disk;
use crate::feed::Feed;
use crate::files::{allocated, list};
use crate::store::{Outcome, open};
use crate::{fresh, median};

const MESSAGES: usize = 2_000_000;
const BATCH: usize = 256;
/// A slow candidate is stopped here, and the table says how far it came.
const LONGEST: Duration = Duration::from_secs(30);

fn once(name: &str, dir: &Path, lump: usize) -> Outcome<()> {
    let store = open(name, dir)?;
    let mut feed = Feed::new(1_000, Some(100), 11).in_lumps_of(lump);
    let (mut spent, mut count, mut waits) = (Duration::ZERO, 0, Vec::new());
    while count < MESSAGES && spent < LONGEST {
        let next = feed.batch(BATCH);
        let start = Instant::now();
        store.commit(&next)?;
        let wait = start.elapsed();
        spent += wait;
        count += BATCH;
        // The first messages of every channel remove nothing yet.
        if count > 250_000 {
            waits.push(wait.as_secs_f64());
        }
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let open_size = megabytes(allocated(dir)?);
    store.close()?;
    let closed: u64 = list(dir)?.iter().map(|(_, len)| len).sum();
    // Nothing where a candidate was stopped before it came to the steady part.
    let rate = waits.len() as f64 * BATCH as f64 / waits.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let worst = waits.iter().copied().fold(0.0, f64::max);
    println!(
        "{name:12}{count:>10}{rate:>12.0}{:>12.2}{:>12.1}{:>12.1}{open_size:>12.1}{:>12.1}",
        median(waits) * 1e3,
        worst * 1e3,
        megabytes(feed.live()),
        megabytes(closed),
    );
    Ok(())
}

pub fn measure(dir: &Path, names: &[&str]) -> Outcome<()> {
    println!("\ntrimming to 100 messages in each of 1000 channels, {BATCH} messages for each commit");
    for (lump, how) in [(1, "one message out for each one in"), (50, "50 messages out when 50 came in")] {
        println!(
            "{how}\n{:12}{:>10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
            "", "messages", "messages/s", "median ms", "longest ms", "live MB", "open MB", "closed MB"
        );
        let before = fresh(dir, "raw", disk)?;
        for name in names {
            fresh(dir, name, |dir| once(name, dir, lump))?;
        }
        println!(
            "the disk alone: {before:.0} times 4 KiB and fdatasync in a second, after it {:.0}",
            fresh(dir, "raw", disk)?
        );
    }
    Ok(())
}
