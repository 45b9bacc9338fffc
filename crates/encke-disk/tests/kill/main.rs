//! A gateway that keeps its log on disk is killed while it is published to, again and again.
//!
//! This is also the gateway: cargo names no binary of another package to a test, so the test starts itself.

#![expect(clippy::unwrap_used, reason = "a test")]

mod ledger;
mod life;

use std::{
    env,
    process::{Command, ExitCode},
    time::Instant,
};

use clap::Parser;
use encke_gateway::{cli::Cli, run};

use ledger::Ledger;

/// The argument with which it does not do so quietly.
const ALOUD: &str = "aloud";

/// How often it is killed, unless `KILL_CYCLES` says otherwise.
const CYCLES: usize = 100;

#[tokio::main]
async fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("serve") => run(Cli::parse().into_command()).await.into(),
        Some(ALOUD) => kill().await,
        Some("--list") => ExitCode::SUCCESS,
        _ => quietly(),
    }
}

/// Does all of it in a process of its own. What that and the gateways log is shown if it fails.
fn quietly() -> ExitCode {
    let output = Command::new(env::current_exe().unwrap()).arg(ALOUD).output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if output.status.success() {
        return ExitCode::SUCCESS;
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    ExitCode::FAILURE
}

async fn kill() -> ExitCode {
    let cycles = env::var("KILL_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let begin = Instant::now();
    let ledger = killed(cycles).await;
    println!(
        "l3_what_was_acknowledged_survives_kill_9: killed {cycles} times and {} times while it started; {} \
         acknowledged, {} unanswered and repeated, {} gaps; 0 lost, 0 twice, 0 reused; {:.1?}",
        ledger.early,
        ledger.acknowledged.len(),
        ledger.repeated,
        ledger.gaps,
        begin.elapsed()
    );
    ExitCode::SUCCESS
}

/// Lives and deaths; then everything is compared.
async fn killed(cycles: usize) -> Ledger {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::default();
    let mut rng = fastrand::Rng::new();
    println!("seed {}", rng.get_seed());
    for _ in 0..10 {
        // While the log is being made, too.
        let fresh = tempfile::tempdir().unwrap();
        life::kill_at_start(fresh.path(), &mut rng);
        life::starts(fresh.path());
        ledger.early += 1;
    }
    for cycle in 0..cycles {
        if cycle % 10 == 9 {
            life::kill_at_start(folder.path(), &mut rng);
            ledger.early += 1;
        }
        life::live(folder.path(), &mut ledger, &mut rng).await;
    }
    life::settle(folder.path(), &mut ledger).await;
    ledger.check();
    ledger
}
