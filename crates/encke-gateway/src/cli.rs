//! The command line of `encke`: what may be written there. What it does is elsewhere.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{Errors, Sources};

const EXIT_CODES: &str = "\
Exit codes:
  0   success
  1   failure: the address is taken, a request was refused, a stream broke, a log is damaged or in use
  2   wrong usage of the command line
  69  the gateway could not be reached
  78  the configuration is wrong";

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// Something failed that is none of the below.
    Failure = 1,
    /// The command line is wrong (clap ends the process so).
    Usage = 2,
    /// A client found no gateway at its URL (`EX_UNAVAILABLE` of sysexits.h).
    Unavailable = 69,
    /// The configuration is wrong (`EX_CONFIG` of sysexits.h).
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A message published once arrives over every transport, and nothing is lost.
///
/// Without a command: `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "encke", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ConfigArgs,
}

impl Cli {
    /// The command; without one, `serve` with the flags that were given.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the gateway until SIGTERM or Ctrl-C.
    Serve(ConfigArgs),
    /// Check the configuration: print OK, or all that is wrong with it (exit code 78).
    Check(ConfigArgs),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Publish a message.
    Publish(PublishArgs),
    /// Follow channels, and print each message on a line.
    Subscribe(SubscribeArgs),
    /// Print who is on a channel, each member on a line.
    Presence(PresenceArgs),
    /// Look at a log on disk, or carry it elsewhere; no gateway may be at work in its folder.
    #[command(subcommand)]
    Log(LogCommand),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What to do with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration as a TOML file.
    Show(ShowArgs),
}

/// What to do with a log on disk.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum LogCommand {
    /// Print what it is and how much it holds.
    Info {
        /// The folder of the log.
        dir: PathBuf,
    },
    /// Read and check everything in it; say what is wrong and where (exit code 1).
    Verify {
        /// The folder of the log.
        dir: PathBuf,
    },
    /// Print each message that is kept on a line, as JSON.
    Export(ExportArgs),
    /// Make a log of what was exported. It keeps its seqs and times, and gets an epoch of its own.
    Import(ImportArgs),
}

/// What to export.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// The folder of the log.
    pub dir: PathBuf,
    /// Only of this channel, or of those that match a pattern such as `news.**`.
    #[arg(long, value_name = "PATTERN")]
    pub channel: Option<String>,
}

/// What to import, and where.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// The folder of the new log: an empty one, or one that is not there yet.
    pub dir: PathBuf,
    /// The file; `-` reads standard input.
    #[arg(default_value = "-")]
    pub file: PathBuf,
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ShowArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Say in a comment where each value was set: default, file and line, environment variable, or flag.
    #[arg(long)]
    pub origin: bool,
}

/// Where the configuration comes from. Later wins: defaults, the file, `ENCKE_..` variables, flags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct ConfigArgs {
    /// The address to listen on [default: 127.0.0.1:8000].
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Speak TLS with a certificate made now, for localhost; for development.
    #[arg(long)]
    pub self_signed: bool,
    /// Keep messages in this folder: they outlive the process and the machine.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Whether a publish is answered when it is safe from a loss of power (strict), or before (relaxed).
    #[arg(long, value_name = "WHEN")]
    pub durability: Option<String>,
    /// The TOML file to read; without it there is none.
    #[arg(long, value_name = "FILE", env = "ENCKE_CONFIG")]
    pub config: Option<PathBuf>,
}

impl ConfigArgs {
    /// The sources of the configuration that they name, with the environment of the process.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sources(&self) -> Result<Sources, Errors> {
        let mut sources = Sources::new().environment(std::env::vars_os());
        if let Some(path) = &self.config {
            sources = sources.file(path)?;
        }
        if let Some(listen) = self.listen {
            sources = sources.flag("--listen", "listen", &listen.to_string());
        }
        if let Some(data) = &self.data {
            sources = sources.flag("--data", "engine.data", &data.to_string_lossy());
        }
        if let Some(durability) = &self.durability {
            sources = sources.flag("--durability", "engine.durability", durability);
        }
        if self.self_signed {
            sources = sources.flag("--self-signed", "tls.self_signed", "true");
        }
        Ok(sources)
    }
}

/// Which gateway a client talks to.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct GatewayArgs {
    /// The gateway, with the path before `/publish`, `/sse` and so on, if it has one.
    #[arg(long, value_name = "URL", env = "ENCKE_URL", default_value = "http://127.0.0.1:8000")]
    pub url: String,
    /// The bearer token; others on this machine can see it in the list of processes.
    #[arg(long, env = "ENCKE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The file with the bearer token, without what is blank around it.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
}

/// What to publish.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PublishArgs {
    /// The channel.
    pub channel: String,
    /// The data; `-` reads standard input to its end.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    pub data: String,
    /// The name of the message.
    #[arg(long)]
    pub name: Option<String>,
    /// The idempotency key: a repetition with the same key publishes nothing new.
    #[arg(long)]
    pub key: Option<String>,
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
}

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SubscribeArgs {
    /// The channels, or patterns such as `news.**`.
    #[arg(required = true, value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// The transport.
    #[arg(long, value_enum, default_value_t = Transport::Sse)]
    pub transport: Transport,
    /// Where to begin: a cursor, `earliest`, `latest`, `-20` (the last 20), `-5m`, or an RFC 3339 time.
    #[arg(long, allow_hyphen_values = true, default_value = "latest")]
    pub since: String,
    /// Print whole envelopes, gaps too, as JSON; without it the data only.
    #[arg(long)]
    pub json: bool,
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
}

/// Whose presence.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PresenceArgs {
    /// The channel.
    pub channel: String,
    /// Print members as JSON.
    #[arg(long)]
    pub json: bool,
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
}

/// A way to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Ask again and again.
    Poll,
    /// Ask, and be answered when there is something.
    Longpoll,
    /// Server-sent events.
    Sse,
    /// The scripts of a forever-iframe.
    Iframe,
    /// WebSocket.
    Ws,
}
