use std::{fmt, time::Duration};

use bytes::Bytes;
use encke_wire::Problem;
use http::{header::CONTENT_LENGTH, request::Parts};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

/// Reads the whole body of a request, of at most `limit` bytes, within `time`.
///
/// # Errors
/// [`Problem`] if it is larger, breaks off or takes longer.
pub async fn read_body<B>(parts: &Parts, body: B, limit: usize, time: Duration) -> Result<Bytes, Problem>
where
    B: HttpBody<Data: Send, Error: Send> + Send + 'static,
{
    let too_large = || Problem::too_large(format!("the body has at most {limit} bytes"));
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > limit) {
        return Err(too_large());
    }
    // The error of a body is of no use to the one who sent it, and need not be an error type.
    let body = Limited::new(body.map_err(|_| Broken), limit);
    match timeout(time, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad_request("the body broke off")),
        Err(_) => Err(Problem::body_timeout(format!("the body takes at most {time:?}"))),
    }
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body broke off")
    }
}

impl std::error::Error for Broken {}
