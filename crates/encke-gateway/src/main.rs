//! The binary `encke`.

use std::process::ExitCode;

use clap::Parser;
use encke_gateway::{cli::Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse().into_command()).await.into()
}
