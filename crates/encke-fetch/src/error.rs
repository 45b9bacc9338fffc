use std::{error::Error, fmt};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL is not one to fetch from.
    Url(crate::UrlError),
    /// There is no connection: the name, the address, or the certificate.
    Connect(Box<str>),
    /// It took longer than the deadline.
    Deadline,
    /// The answer is larger than it may be.
    TooLarge {
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// What came is not HTTP, or ended too early.
    Broken(Box<str>),
}

impl FetchError {
    pub(crate) fn connect(error: &dyn Error) -> Self {
        Self::Connect(chain(error))
    }

    pub(crate) fn broken(error: &dyn Error) -> Self {
        Self::Broken(chain(error))
    }
}

/// What an error says, with its causes: libraries leave the reason to the last.
fn chain(error: &dyn Error) -> Box<str> {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |&cause| cause.source()).take(8);
    for cause in causes.map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text = text + ": " + &cause;
        }
    }
    text.into()
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Connect(cause) => write!(f, "no connection: {cause}"),
            Self::Deadline => f.write_str("no answer before the deadline"),
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            Self::Broken(cause) => write!(f, "the answer is broken: {cause}"),
        }
    }
}

impl Error for FetchError {}

/// Why certificates cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// The PEM holds no certificate.
    Empty,
    /// The PEM, or a certificate in it, cannot be read.
    Malformed,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no certificate to trust",
            Self::Malformed => "a certificate to trust cannot be read",
        })
    }
}

impl Error for TrustError {}
