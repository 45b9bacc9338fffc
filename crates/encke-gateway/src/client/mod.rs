//! The commands that talk to a gateway: `encke publish`, `encke subscribe` and `encke presence`, for people at a terminal.

mod line;
mod presence;
mod publish;
mod subscribe;

use std::fmt;

use encke_client::{Client, ClientError, Remedy};

use crate::cli::{Exit, GatewayArgs};

pub use presence::presence;
pub use publish::publish;
pub use subscribe::subscribe;

const WRONG_URL: &str = "Does --url name a gateway, with the path before its routes?";

/// Why a command ended otherwise than it should: a sentence, perhaps what would be right, and the exit code.
#[derive(Debug)]
struct Failure {
    what: String,
    advice: Option<&'static str>,
    exit: Exit,
}

impl Failure {
    /// The command line asks for something that cannot be.
    fn usage(argument: &str, error: impl fmt::Display) -> Self {
        Self { what: format!("{argument}: {error}"), advice: None, exit: Exit::Usage }
    }

    fn io(what: &str, error: &std::io::Error) -> Self {
        Self { what: format!("{what}: {error}"), advice: None, exit: Exit::Failure }
    }

    /// Says it on standard error.
    fn report(self) -> Exit {
        eprintln!("error: {}", line::visible(&self.what));
        if let Some(advice) = self.advice {
            eprintln!("  {advice}");
        }
        self.exit
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error {
            ClientError::Unreachable { .. } => Exit::Unavailable,
            _ => Exit::Failure,
        };
        let advice = match &error {
            ClientError::Unreachable { .. } => {
                Some("Is it running? `encke serve` starts one; --url or ENCKE_URL names another.")
            }
            ClientError::Malformed(_) | ClientError::Refused { status: 300..=499, .. } => Some(WRONG_URL),
            ClientError::Problem(problem) if problem.status == 404 => Some(WRONG_URL),
            ClientError::Problem(problem) => advice(problem.remedy),
            _ => None,
        };
        Self { what: error.to_string(), advice, exit }
    }
}

fn advice(remedy: Remedy) -> Option<&'static str> {
    match remedy {
        Remedy::Retry | Remedy::ComeBackLater => Some("The same can succeed later."),
        Remedy::Reauthenticate => Some("The gateway wants credentials: see --token and --token-file."),
        // The problem itself says what would be right.
        _ => None,
    }
}

fn client(args: &GatewayArgs) -> Result<Client, Failure> {
    let client =
        Client::new(&args.url).map_err(|error| Failure::usage(&format!("--url {}", args.url), error))?;
    let token = match &args.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            Some(text.map_err(|error| Failure::usage(&format!("--token-file {}", path.display()), error))?)
        }
        None => args.token.clone(),
    };
    if let Some(token) = token {
        client.set_token(token.trim()).map_err(|error| Failure::usage("--token", error))?;
    }
    Ok(client)
}

/// Whether all was written. A reader that has seen enough is no failure, but the end.
fn written(result: std::io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::io("writing to standard output", &error)),
    }
}
