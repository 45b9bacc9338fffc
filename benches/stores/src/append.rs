//! Appending with 1 to 1,024 messages for each commit, beside what the disk itself can do.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::feed::Feed;
use crate::store::{Outcome, open};
use crate::{fresh, median};

const RUNS: usize = 3;
const TIME: Duration = Duration::from_millis(700);
const BATCHES: [usize; 5] = [1, 16, 64, 256, 1024];

/// fdatasyncs for each second, each after 4 KiB were appended.
pub fn disk(dir: &Path) -> Outcome<f64> {
    let mut file = File::create(dir.join("raw"))?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        file.write_all(&[count as u8; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn once(name: &str, dir: &Path, channels: u64, batch: usize) -> Outcome<f64> {
    let store = open(name, dir)?;
    let mut feed = Feed::new(channels, None, 7);
    let (mut spent, mut count) = (Duration::ZERO, 0);
    while spent < TIME {
        // Only the store is on the clock, not the making of the messages.
        let next = feed.batch(batch);
        let start = Instant::now();
        store.commit(&next)?;
        spent += start.elapsed();
        count += batch;
    }
    store.close()?;
    Ok(count as f64 / spent.as_secs_f64())
}

pub fn measure(dir: &Path, names: &[&str]) -> Outcome<()> {
    for channels in [1_000, 100_000] {
        println!("\nappend, {channels} channels, messages/s for each number of messages in a commit");
        println!("{:12}{}", "", BATCHES.map(|batch| format!("{batch:>10}")).concat());
        let mut raw = Vec::new();
        let mut rates = vec![vec![Vec::new(); BATCHES.len()]; names.len()];
        // The candidates take turns, so that a slow minute of the machine meets all of them.
        for _ in 0..RUNS {
            raw.push(fresh(dir, "raw", disk)?);
            for (at, batch) in BATCHES.iter().enumerate() {
                for (name, rates) in names.iter().zip(&mut rates) {
                    rates[at].push(fresh(dir, name, |dir| once(name, dir, channels, *batch))?);
                }
            }
        }
        for (name, rates) in names.iter().zip(rates) {
            let line: String = rates.into_iter().map(|rate| format!("{:>10.0}", median(rate))).collect();
            println!("{name:12}{line}");
        }
        println!("the disk alone: {:.0} times 4 KiB and fdatasync in a second", median(raw));
    }
    Ok(())
}
