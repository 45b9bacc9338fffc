//! The commands of the binary.

use std::io::{self, Write};

use clap::CommandFactory;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{Cli, Command, ConfigArgs, ConfigCommand, Exit, ShowArgs},
    client,
    config::{Errors, Loaded},
    gateway::Gateway,
    listener::raise_file_limit,
    log_tool, logging,
};

/// Does what the command line says.
pub async fn run(command: Command) -> Exit {
    // For TLS to others, such as Redis. That there is one already is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command {
        Command::Serve(args) => serve(&args).await,
        Command::Check(args) => check(&args),
        Command::Config(ConfigCommand::Show(args)) => show(&args),
        Command::Publish(args) => client::publish(args).await,
        Command::Subscribe(args) => client::subscribe(args).await,
        Command::Presence(args) => client::presence(args).await,
        Command::Log(command) => log_tool::run(&command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "encke", &mut io::stdout());
            Exit::Success
        }
    }
}

fn load(args: &ConfigArgs) -> Result<Loaded, Exit> {
    let wrong = |errors: Errors| {
        eprintln!("{errors}");
        Exit::Config
    };
    let loaded = args.sources().and_then(|sources| sources.load()).map_err(wrong)?;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    Ok(loaded)
}

fn check(args: &ConfigArgs) -> Exit {
    match load(args) {
        Ok(_) => print("OK\n"),
        Err(exit) => exit,
    }
}

fn show(args: &ShowArgs) -> Exit {
    match load(&args.config) {
        Ok(loaded) => print(&loaded.settings.to_toml(args.origin)),
        Err(exit) => exit,
    }
}

/// Prints to standard output; a reader that has seen enough is no failure.
fn print(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failure,
        _ => Exit::Success,
    }
}

async fn serve(args: &ConfigArgs) -> Exit {
    let loaded = match load(args) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    logging::init(&loaded.config.logging);
    match raise_file_limit() {
        Ok(files) => tracing::debug!(files, connections = loaded.config.limits.connections, "limits"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    let stop = match stop_signal() {
        Ok(stop) => stop,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            return Exit::Failure;
        }
    };
    match Gateway::bind(&loaded.config).await {
        Ok(gateway) => {
            let address = gateway.address();
            let epoch = gateway.hub().log_info().head.epoch;
            tracing::info!(%address, %epoch, "serving; see {}/", gateway.url());
            gateway.run(stop).await;
            Exit::Success
        }
        Err(error) => {
            tracing::error!("{error}");
            Exit::Failure
        }
    }
}

/// Ready at the first SIGTERM or SIGINT. The second ends the process at once.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Certificates are looked at then, where there are any; it ends nobody who has none.
    drop(signal(SignalKind::hangup())?);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        // The gateway may be gone already.
        let _ = stop.send(());
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::warn!("ended at once");
        std::process::exit(Exit::Failure as i32);
    });
    Ok(async move {
        let _ = stopped.await;
    })
}
