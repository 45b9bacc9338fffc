//! Ten million messages over a hundred thousand channels, and what a channel with one short message costs.

use std::{error::Error, fs, time::Instant};

use encke_core::{ChannelName, Epoch, Limit, Log, LogConfig, Message, Publish, Retention, Since, Timestamp};

const CHANNELS: usize = 100_000;
const MESSAGES: usize = 10_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let names: Vec<_> =
        (0..CHANNELS).map(|index| ChannelName::new(&format!("channel.{index}"))).collect::<Result<_, _>>()?;
    let retention = Retention { count: 20, ..Retention::default() };
    let log = Log::new(Epoch::from_bits(1), LogConfig { retention, ..LogConfig::default() });

    let before = resident()?;
    fill(&log, &names, CHANNELS)?;
    println!("{CHANNELS} channels with one short message: {} bytes each", (resident()? - before) / CHANNELS);

    let begin = Instant::now();
    let mut slowest = 0.0f64;
    for _ in 0..MESSAGES / CHANNELS {
        let begin = Instant::now();
        fill(&log, &names, CHANNELS)?;
        slowest = slowest.max(begin.elapsed().as_secs_f64());
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{MESSAGES} messages: {seconds:.1} s, {:.2} million/s", MESSAGES as f64 / seconds / 1e6);
    println!("the slowest round of {CHANNELS}: {:.2} million/s", CHANNELS as f64 / slowest / 1e6);
    let retained = CHANNELS * retention.count;
    println!(
        "{retained} retained: {} MiB resident, {} bytes each",
        resident()? >> 20,
        resident()? / retained
    );

    let begin = Instant::now();
    for name in &names {
        let mut tail = log.open([name.clone().into()], Since::Earliest, Timestamp::default())?;
        assert_eq!(tail.read(Limit::default()).messages.len(), retention.count);
    }
    println!(
        "each channel opened and read: {:.2} us each",
        begin.elapsed().as_secs_f64() * 1e6 / CHANNELS as f64
    );
    Ok(())
}

/// `count` short messages, in turn over the channels.
fn fill(log: &Log, names: &[ChannelName], count: usize) -> Result<(), Box<dyn Error>> {
    let message = Message::json("{\"price\":42}");
    for name in names.iter().cycle().take(count) {
        log.append(Publish::new(name.clone(), message.clone()), Timestamp::default()).map(drop)?;
    }
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib << 10)
}
