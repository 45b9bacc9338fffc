//! The binary `encke` for tests that need a process: cargo names a package's own binaries to its tests, and no others.

use std::process::ExitCode;

use clap::Parser;
use encke_gateway::{cli::Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse().into_command()).await.into()
}
