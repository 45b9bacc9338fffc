//! The power fails after every single change to the file.

use encke_core::Epoch;
use encke_hub::Engine;
use fastrand::Rng;

use crate::{
    disk::{Change, Disk, Platter},
    judge::{Moment, judge, keys},
    open,
    story::Story,
};

/// What came out of many crashes.
#[derive(Debug, Default)]
struct Tally {
    points: usize,
    nested: usize,
    new_epochs: usize,
    wrong: Vec<String>,
}

/// A life, and the changes that it made to its file.
struct Life {
    story: Story,
    trace: Vec<(Change, u64)>,
    /// How many changes it took to make the file.
    made: usize,
}

async fn life(seed: u64, steps: usize, relaxed: bool) -> Life {
    let mut rng = Rng::with_seed(seed);
    let disk = Disk::new(Vec::new());
    disk.record();
    let engine = open(&disk, relaxed).unwrap();
    disk.watch(engine.log());
    let mut story = Story::new(engine.log().head().epoch);
    let made = disk.changes();
    for _ in 0..steps {
        let errors = story.step(&engine, &disk, &mut rng).await;
        assert!(errors.is_empty(), "nothing fails here: {errors:?}");
    }
    // How it ends belongs to it.
    drop(engine);
    Life { story, trace: disk.trace(), made }
}

/// What `wreck` makes of the file after each change is opened and judged.
async fn crash_everywhere(
    life: &Life,
    relaxed: bool,
    mut wreck: impl FnMut(&Change, usize) -> Vec<u8>,
    tally: &mut Tally,
) {
    for (at, (change, _)) in life.trace.iter().enumerate() {
        let file = wreck(change, at);
        if at < life.made {
            // A log gets its name when it is made.
            continue;
        }
        let seen = life.trace.get(at + 1).map_or(life.story.head(), |(_, seen)| *seen);
        let moment = Moment { relaxed, ..Moment::at(at + 1, seen) };
        tally.points += 1;
        if let Err(wrong) = crash(file, &life.story, moment, at as u64, tally).await {
            tally.wrong.push(format!("after change {at} of {}: {wrong}", life.trace.len()));
        }
    }
}

/// Opens what the crash has left, judges it, crashes once more while it was opened, and goes on.
async fn crash(
    file: Vec<u8>,
    story: &Story,
    moment: Moment,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed);
    let disk = Disk::new(file.clone());
    disk.record();
    let engine = open(&disk, moment.relaxed).map_err(|error| format!("it does not open: {error}"))?;
    judge(&engine, story, moment).await?;
    let mut story = story.clone();
    if engine.log().head().epoch != story.epoch {
        tally.new_epochs += 1;
        return Ok(());
    }
    if seed.is_multiple_of(8) {
        drop(engine);
        // L5: mending what a crash has left may crash too.
        let mut platter = Platter::new(file);
        let trace = disk.trace();
        let last = rng.usize(..=trace.len());
        trace.into_iter().take(last).for_each(|(change, _)| platter.change(change));
        let disk = Disk::new(platter.power_loss(&mut rng));
        let again =
            open(&disk, moment.relaxed).map_err(|error| format!("it does not open again: {error}"))?;
        tally.nested += 1;
        return judge(&again, &story, moment).await.map(drop).map_err(|wrong| format!("again: {wrong}"));
    }
    // Its next life: what was never acknowledged gives its numbers to others, and nobody has seen them (L2).
    story.survive(engine.log().head().seq, moment.changes);
    keys(&engine, &mut story, &mut rng).await?;
    let errors = story.step(&engine, &disk, &mut rng).await;
    if !errors.is_empty() {
        return Err(format!("it does not go on: {errors:?}"));
    }
    if seed % 4 != 1 {
        return Ok(());
    }
    judge(&engine, &story, Moment::end(&story)).await.map(drop).map_err(|wrong| format!("later: {wrong}"))
}

/// What comes out of so many lives, each of which is crashed after each of its changes. `syncs`: whether syncing does
/// anything.
async fn tally(lives: u64, steps: usize, relaxed: bool, syncs: bool) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..lives {
        let life = life(seed, steps, relaxed).await;
        let (mut platter, mut rng) = (Platter::default(), Rng::with_seed(seed));
        let wreck = |change: &Change, at: usize| {
            if syncs || at < life.made || !matches!(change, Change::Sync) {
                platter.change(change.clone());
            }
            platter.power_loss(&mut rng)
        };
        crash_everywhere(&life, relaxed, wreck, &mut tally).await;
    }
    tally
}

/// So many times more lives are looked at if `FAULT_TIMES` says so.
fn times(lives: u64) -> u64 {
    lives * std::env::var("FAULT_TIMES").map_or(1, |times| times.parse().unwrap())
}

impl Tally {
    fn nothing_wrong(&self) {
        assert!(self.wrong.is_empty(), "{} wrong, {:#?}", self.wrong.len(), self.wrong.first());
    }
}

#[tokio::test]
async fn l5_power_lost_after_every_change_loses_nothing_acknowledged() {
    let tally = tally(times(3), 60, false, true).await;
    tally.nothing_wrong();
    println!("{} crash points, {} while a crash was mended: 0 wrong", tally.points, tally.nested);
    assert!(tally.points > 2_000, "{} crash points", tally.points);
}

#[tokio::test]
async fn l2_what_was_answered_before_it_was_safe_is_there_or_the_epoch_is_new() {
    let tally = tally(times(1), 60, true, true).await;
    tally.nothing_wrong();
    println!("relaxed: {} crash points, {} new epochs: 0 wrong", tally.points, tally.new_epochs);
    assert!(tally.new_epochs > 0, "nothing was lost, so nothing was tested");
}

/// The control: a disk that does not sync loses what was acknowledged, and the judge sees it.
#[tokio::test]
async fn l3_without_syncs_there_are_losses() {
    let tally = tally(1, 40, false, false).await;
    let lost = tally.wrong.iter().filter(|wrong| wrong.contains("L3")).count();
    println!(
        "control: {} crash points, {} wrong, {lost} of them lost messages",
        tally.points,
        tally.wrong.len()
    );
    assert!(lost > 20 && tally.wrong.len() * 4 > tally.points, "the judge sees too little");
}

/// An epoch is 40 random bits: another file has another one.
#[tokio::test]
async fn l2_every_file_has_its_own_epoch() {
    let epochs: Vec<Epoch> =
        (0..3).map(|_| open(&Disk::new(Vec::new()), false).unwrap().log().head().epoch).collect();
    assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2] && epochs[0] != epochs[2], "{epochs:?}");
}
