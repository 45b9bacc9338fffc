//! Damaged files: what a store does when a bit is flipped or a file is cut. Every trial opens the store in
//! a process of its own, because a trial may panic, be killed, or never end.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::feed::{Feed, Rng, contents};
use crate::files::Image;
use crate::fresh;
use crate::store::{Outcome, open};

const MESSAGES: u64 = 5_000;
const CHANNELS: u64 = 50;
const FLIPS: usize = 300;
const CUTS: usize = 100;

/// What the child says by its exit code; a panic is 101.
pub const REPORTED: u8 = 3;
const WRONG: i32 = 4;
const MISSING: i32 = 5;

/// Opens, reads everything, and leaves with a code for what it saw.
pub fn verify(name: &str, dir: &Path, check: bool) -> Outcome<()> {
    let mut store = open(name, dir)?;
    if check && store.check()? == Some(false) {
        return Err("the check found damage".into());
    }
    let (mut expected, mut feed) = (BTreeMap::new(), Feed::new(CHANNELS, None, 13));
    let mut channels = BTreeMap::new();
    while feed.last() < MESSAGES {
        let batch = feed.batch(50);
        expected.extend(batch.rows.into_iter().map(|(channel, seq, data)| ((channel, seq), data)));
        channels.extend(batch.channels);
    }
    // An older state that is whole in itself is a loss, and anything that was never written is wrong.
    let last = store.last()?;
    let (mut wrong, mut missing, mut seen) = (last > MESSAGES, last < MESSAGES, 0);
    store.messages(&mut |channel, seq, data| {
        seen += 1;
        wrong |= expected.get(&(channel, seq)).is_none_or(|row| row != data);
    })?;
    let mut rows = 0;
    store.channels(&mut |channel, row| {
        rows += 1;
        match channels.get(&channel) {
            Some(right) if row.last < right.last && row.count < right.count => missing = true,
            right => wrong |= right != Some(&row),
        }
    })?;
    missing |= seen != expected.len() || rows != channels.len();
    for channel in 0..CHANNELS {
        let page = store.read(channel, MESSAGES / 2, 10)?;
        wrong |= page.iter().any(|(seq, data)| *data != contents(channel, *seq));
    }
    if wrong || missing {
        std::process::exit(if wrong { WRONG } else { MISSING });
    }
    store.close()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    Fine,
    Reported,
    Missing,
    Wrong,
    Panic,
    Crash,
    Hang,
}

const VERDICTS: [Verdict; 7] = [
    Verdict::Fine,
    Verdict::Reported,
    Verdict::Missing,
    Verdict::Wrong,
    Verdict::Panic,
    Verdict::Crash,
    Verdict::Hang,
];

fn trial(name: &str, dir: &Path, check: bool) -> Outcome<Verdict> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("verify").arg(dir).arg(name).args(check.then_some("check"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > Duration::from_secs(10) {
            child.kill()?;
            child.wait()?;
            return Ok(Verdict::Hang);
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    Ok(match status.code() {
        Some(0) => Verdict::Fine,
        Some(3) => Verdict::Reported,
        Some(MISSING) => Verdict::Missing,
        Some(WRONG) => Verdict::Wrong,
        Some(101) => Verdict::Panic,
        _ => Verdict::Crash,
    })
}

/// Every damage that is tried: the file, the place, and whether its bit is flipped or the file is cut there.
fn damages(pristine: &Image) -> Vec<(PathBuf, u64, bool)> {
    let (mut rng, mut out) = (Rng(17), Vec::new());
    for (path, bytes, _) in &pristine.0 {
        let used = bytes.len();
        let flips = FLIPS.min(used * 8);
        out.extend((0..flips).map(|_| (path.clone(), rng.below(used as u64 * 8), true)));
        let cuts = CUTS.min(used);
        out.extend((0..cuts).map(|_| (path.clone(), rng.below(used as u64), false)));
    }
    out
}

fn apply(path: &Path, place: u64, flip: bool) -> Outcome<()> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    if flip {
        let mut byte = [0];
        file.read_exact_at(&mut byte, place / 8)?;
        byte[0] ^= 1 << (place % 8);
        file.write_all_at(&byte, place / 8)?;
    } else {
        file.set_len(place)?;
    }
    Ok(())
}

fn once(name: &str, dir: &Path) -> Outcome<()> {
    let (pristine, work) = (dir.join("pristine"), dir.join("work"));
    let store = open(name, &pristine)?;
    let mut feed = Feed::new(CHANNELS, None, 13);
    while feed.last() < MESSAGES {
        store.commit(&feed.batch(50))?;
        // So that both forms are damaged where a store keeps the newest in a journal.
        if feed.last() == MESSAGES / 2 {
            store.settle()?;
        }
    }
    store.close()?;
    let pristine = Image::of(&pristine)?;
    for check in [false, true] {
        pristine.restore(&work)?;
        if check && open(name, &work)?.check()?.is_none() {
            continue;
        }
        let mut counts: BTreeMap<(bool, Verdict), usize> = BTreeMap::new();
        for (path, place, flip) in damages(&pristine) {
            pristine.restore(&work)?;
            apply(&work.join(&path), place, flip)?;
            let verdict = trial(name, &work, check)?;
            *counts.entry((flip, verdict)).or_default() += 1;
            if std::env::var_os("EACH").is_some() && verdict > Verdict::Reported {
                println!("  {} {place} flip={flip} {verdict:?}", path.display());
            }
        }
        for flip in [true, false] {
            let line: String = VERDICTS
                .map(|verdict| format!("{:>10}", counts.get(&(flip, verdict)).copied().unwrap_or(0)))
                .concat();
            let how =
                format!("{name} {}{}", if flip { "flip" } else { "cut" }, if check { " check" } else { "" });
            println!("{how:24}{line}");
        }
    }
    Ok(())
}

pub fn measure(dir: &Path, names: &[&str]) -> Outcome<()> {
    println!("\ndamage: up to {FLIPS} bits flipped and {CUTS} cuts in each file, one at a time");
    println!("{:24}{}", "", VERDICTS.map(|verdict| format!("{:>10}", format!("{verdict:?}"))).concat());
    for name in names {
        fresh(dir, name, |dir| once(name, dir))?;
    }
    Ok(())
}
