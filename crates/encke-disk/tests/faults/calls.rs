//! Every call to the disk fails once: the first, the second, and so on until a run has no failure any more.

use std::collections::HashSet;

use encke_core::{Cursor, Selector};
use encke_hub::{Engine, EngineError};
use fastrand::Rng;

use crate::{
    disk::{Disk, Fault, Plan},
    judge::{Moment, judge, keys},
    open,
    reader::read,
    story::{Said, Story},
};

/// What came out of many runs.
#[derive(Debug, Default)]
struct Tally {
    runs: u64,
    failures: u64,
    no_space: usize,
    unavailable: usize,
    /// Runs in which publishing went on by itself.
    resumed: u64,
    /// Messages that were stored though their publish was not answered.
    unanswered: usize,
    opens: usize,
}

/// A file with something in it, and its story.
async fn before() -> (Vec<u8>, Story) {
    let disk = Disk::new(Vec::new());
    let mut rng = Rng::with_seed(42);
    let engine = open(&disk, false).unwrap();
    let mut story = Story::new(engine.log().head().epoch);
    for _ in 0..20 {
        assert!(story.step(&engine, &disk, &mut rng).await.is_empty());
    }
    drop(engine);
    (disk.file(), story)
}

async fn every_call(fault: Fault, lasts: bool) -> Tally {
    let mut tally = Tally::default();
    let (file, story) = before().await;
    for nth in 1..10_000 {
        let plan = Plan { nth, fault, lasts };
        if !run(&file, story.clone(), plan, &mut tally).await {
            println!("{fault:?}, lasting {lasts}: {tally:?}");
            assert!(nth > 50, "only {nth} calls");
            return tally;
        }
    }
    panic!("the runs have no end");
}

/// One run in which one call fails, or all from one on. False if none did.
async fn run(file: &[u8], mut story: Story, plan: Plan, tally: &mut Tally) -> bool {
    let disk = Disk::new(file.to_vec());
    disk.fail(plan);
    let engine = match open(&disk, false) {
        Ok(engine) => engine,
        Err(error) => {
            tally.opens += 1;
            assert!(disk.failures() > 0, "{plan:?}: nothing failed, and {error}");
            disk.heal();
            open(&disk, false).unwrap_or_else(|error| panic!("{plan:?}: it does not open again: {error}"))
        }
    };
    let mut rng = Rng::with_seed(plan.nth);
    for _ in 0..6 {
        for error in story.step(&engine, &disk, &mut rng).await {
            match error {
                EngineError::NoSpace => tally.no_space += 1,
                EngineError::Unavailable => tally.unavailable += 1,
                other => panic!("{plan:?}: {other}"),
            }
        }
        reads_go_on(&engine, &story, plan).await;
    }
    let failures = disk.failures();
    disk.heal();
    // S5: it comes back by itself, as far as it can.
    let patience = if plan.fault == Fault::NoSpace { 500 } else { 3 };
    for _ in 0..patience {
        let _ = engine.expire(story.now(&mut rng)).await;
        if story.step(&engine, &disk, &mut rng).await.is_empty() {
            tally.resumed += 1;
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // Whatever it has promised is there after the worst that can follow.
    let files = [disk.file(), disk.power_loss(plan.nth)];
    drop(engine);
    for (what, file) in ["killed", "powerless"].into_iter().zip(files) {
        let (mut story, disk) = (story.clone(), Disk::new(file));
        let engine = open(&disk, false).unwrap_or_else(|error| panic!("{plan:?}, {what}: {error}"));
        tally.unanswered += adopt(&engine, &mut story).await;
        let judged = judge(&engine, &story, Moment::end(&story)).await;
        judged.unwrap_or_else(|wrong| panic!("{plan:?}, {what}: {wrong}"));
        let judged = keys(&engine, &mut story, &mut rng).await;
        judged.unwrap_or_else(|wrong| panic!("{plan:?}, {what}: {wrong}"));
    }
    tally.runs += 1;
    tally.failures += failures;
    failures > 0
}

/// Whoever reads goes on reading, whatever befalls those who write.
async fn reads_go_on(engine: &impl Engine, story: &Story, plan: Plan) {
    let start = Cursor { epoch: story.epoch, seq: 0 };
    match read(engine, Selector::new("**").unwrap(), start).await {
        Ok(reading) => assert!(reading.got.is_sorted_by(|one, next| one.seq < next.seq)),
        Err(error) => {
            let excused = error == EngineError::Unavailable && plan.fault != Fault::NoSpace;
            assert!(excused, "{plan:?}: reading fails: {error}");
        }
    }
}

/// Takes into the story what was stored though its publish was not answered (L4). Returns how many.
async fn adopt(engine: &impl Engine, story: &mut Story) -> usize {
    let start = Cursor { epoch: story.epoch, seq: 0 };
    let reading = read(engine, Selector::new("**").unwrap(), start).await.unwrap();
    let known: HashSet<u64> = story.said.iter().map(|said| said.seq).collect();
    let mut adopted = HashSet::new();
    for got in reading.got.iter().filter(|got| !known.contains(&got.seq)) {
        let publish = story.unsure.iter().find(|publish| *publish.message() == got.message);
        let publish = publish.unwrap_or_else(|| panic!("L4: nobody said {got:?}, or it was refused")).clone();
        assert!(adopted.insert(got.message.data().clone()), "L4: stored twice: {got:?}");
        story.said.push(Said { seq: got.seq, time: got.time, publish, acked: 0 });
    }
    story.said.sort_by_key(|said| said.seq);
    adopted.len()
}

#[tokio::test]
async fn s5_one_call_that_fails_with_an_io_error_makes_no_false_ack() {
    let tally = every_call(Fault::Io, false).await;
    assert!(tally.unavailable > 0);
}

#[tokio::test]
async fn s5_a_disk_that_is_gone_makes_no_false_ack() {
    let tally = every_call(Fault::Io, true).await;
    assert!(tally.unavailable > 0);
}

#[tokio::test]
async fn s5_a_full_disk_refuses_until_there_is_space_again() {
    let tally = every_call(Fault::NoSpace, true).await;
    assert!(tally.no_space > 0);
    assert_eq!(tally.resumed, tally.runs, "S5: publishing goes on when there is space again");
}

#[tokio::test]
async fn s5_a_call_for_which_there_was_no_space_once_is_refused() {
    let tally = every_call(Fault::NoSpace, false).await;
    assert_eq!(tally.resumed, tally.runs, "S5: publishing goes on when there is space again");
}

#[tokio::test]
async fn s5_a_write_that_falls_short_makes_no_false_ack() {
    let tally = every_call(Fault::Short, false).await;
    assert!(tally.unavailable > 0);
}
