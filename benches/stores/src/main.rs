//! Measures embedded stores as the carrier of the message log. See the README.

mod append;
mod damage;
mod feed;
mod files;
mod reopen;
mod store;
mod trim;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use store::Outcome;

const USAGE: &str = "encke-stores append|reopen|trim|damage|all <directory> [store...]";

fn run(arguments: &[String]) -> Outcome<()> {
    let [command, dir, rest @ ..] = arguments else { return Err(USAGE.into()) };
    let dir = PathBuf::from(dir);
    let names: Vec<&str> = match rest {
        [] => store::NAMES.to_vec(),
        rest => rest.iter().map(String::as_str).collect(),
    };
    // Its writing is redb's own; only its opening and its answer to damage differ.
    let writers: Vec<&str> = names.iter().copied().filter(|name| *name != "redb-checked").collect();
    match command.as_str() {
        "append" => append::measure(&dir, &writers),
        "reopen" => reopen::measure(&dir, &names),
        "trim" => trim::measure(&dir, &writers),
        "damage" => damage::measure(&dir, &names),
        "all" => {
            append::measure(&dir, &writers)?;
            reopen::measure(&dir, &names)?;
            trim::measure(&dir, &writers)?;
            damage::measure(&dir, &names)
        }
        // The two that the program starts itself as: one that is killed, and one that may crash.
        "write" => reopen::write(names[0], &dir),
        "verify" => damage::verify(names[0], &dir, names.get(1) == Some(&"check")),
        _ => Err(USAGE.into()),
    }
}

/// A directory that is not there before the run and not after it.
fn fresh<T>(dir: &Path, name: &str, run: impl FnOnce(&Path) -> Outcome<T>) -> Outcome<T> {
    let dir = dir.join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let outcome = run(&dir);
    std::fs::remove_dir_all(&dir)?;
    outcome
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(damage::REPORTED)
        }
    }
}
