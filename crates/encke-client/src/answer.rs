//! What an answer is, before anybody reads what it says.

use std::time::Duration;

use bytes::Bytes;
use encke_wire::Problem;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    ClientError,
    http1::{Exchange, Http},
    limits::{ANSWER_BYTES, BODY_TIME, PROBLEM_BYTES},
};

impl Exchange {
    /// The same, if it has this status.
    pub(crate) async fn expect(self, status: StatusCode) -> Result<Self, ClientError> {
        if self.response.status() == status { Ok(self) } else { Err(refusal(self.response).await) }
    }

    /// The same, if it is a success of this media type.
    pub(crate) async fn expect_type(self, media_type: &str) -> Result<Self, ClientError> {
        let answer = self.expect(StatusCode::OK).await?;
        let found = essence(answer.response.headers());
        if found == media_type {
            Ok(answer)
        } else {
            Err(ClientError::Malformed(format!("the answer is `{found}`, not {media_type}")))
        }
    }

    /// The whole body. The connection goes back to `http`.
    pub(crate) async fn read(self, http: &Http) -> Result<Bytes, ClientError> {
        let body = read_body(self.response, ANSWER_BYTES).await?;
        http.keep(self.connection);
        Ok(body)
    }
}

async fn read_body(response: Response<Incoming>, limit: usize) -> Result<Bytes, ClientError> {
    let body = Limited::new(response.into_body(), limit).collect();
    match timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ClientError::TooLarge(limit)),
        Ok(Err(error)) => Err(ClientError::Cut(error.to_string())),
        Err(_) => Err(ClientError::Silent(BODY_TIME)),
    }
}

/// Why something was refused, as far as the answer says.
async fn refusal(response: Response<Incoming>) -> ClientError {
    let status = response.status().as_u16();
    let is_problem = essence(response.headers()) == Problem::CONTENT_TYPE;
    let retry_after = retry_after(response.headers());
    let body = if is_problem { read_body(response, PROBLEM_BYTES).await.ok() } else { None };
    match body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok()) {
        Some(mut problem) => {
            problem.retry_after = problem.retry_after.or(retry_after.map(|retry| retry.as_secs()));
            ClientError::Problem(Box::new(problem))
        }
        None => ClientError::Refused { status, retry_after },
    }
}

/// The media type without its parameters, in lower case.
fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// In seconds. The other form of `Retry-After`, a date (RFC 9110, section 10.2.3), no gateway sends.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
