//! What must pass before a change is taken: the same steps on a desk and on the build machine.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cargo_metadata::MetadataCommand;

use crate::{Result, tidy};

/// Runs every step in order, prints how long each took, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let begin = Instant::now();
    step("format", || cargo(root, &["fmt", "--all", "--", "--check"], &[]))?;
    step("clippy", || cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]))?;
    step("tidy", || tidy::run(root))?;
    step("test", || cargo(root, &["test", "--workspace", "--all-targets"], &[]))?;
    step("doc tests", || cargo(root, &["test", "--workspace", "--doc"], &[]))?;
    step("loom", || loom(root))?;
    step("docs", || {
        cargo(root, &["doc", "--workspace", "--lib", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
    })?;
    println!("\nci: all passed in {}", seconds(begin.elapsed()));
    Ok(())
}

/// Explores the races of each crate that has a test file `tests/loom.rs`.
pub(crate) fn loom(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    // Loom replaces the atomics of the whole build, so its artefacts live apart from the others.
    let folder = metadata.target_directory.join("loom");
    let flags = format!("{} --cfg loom", std::env::var("RUSTFLAGS").unwrap_or_default());
    for package in &metadata.packages {
        if package.targets.iter().any(|target| target.is_test() && target.name == "loom") {
            let name = package.name.as_str();
            let arguments =
                ["test", "--release", "--package", name, "--test", "loom", "--target-dir", folder.as_str()];
            cargo(root, &arguments, &[("RUSTFLAGS", flags.trim())])?;
        }
    }
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let begin = Instant::now();
    work().map_err(|error| format!("== {name}: failed after {}: {error}", seconds(begin.elapsed())))?;
    println!("== {name}: passed in {}", seconds(begin.elapsed()));
    Ok(())
}

/// Output goes straight to the terminal: nothing of what cargo says is held back.
fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Command::new(program).args(arguments).envs(environment.iter().copied()).current_dir(root).status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo {}: {status}", arguments.join(" ")).into()) }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_says_its_name_and_why() {
        let error = step("format", || Err("line too long".into())).unwrap_err().to_string();
        assert!(
            error.starts_with("== format: failed after ") && error.ends_with(": line too long"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_fails_fails_its_step() {
        let error = cargo(&crate::root(), &["no-such-command"], &[]).unwrap_err().to_string();
        assert!(error.starts_with("cargo no-such-command: exit status"), "{error}");
    }
}
