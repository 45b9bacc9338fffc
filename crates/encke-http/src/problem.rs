use encke_core::AppendError;
use encke_hub::{Denied, End, EngineError, PublishError, SubscribeError};
use encke_wire::Problem;
use http::{HeaderValue, Response, StatusCode, header};
use std::time::Duration;

use crate::Body;

/// When a limit of the node refuses: long enough for something to have changed.
const BACK_OFF: Duration = Duration::from_secs(5);

/// The answer that tells a client of a problem.
#[must_use]
pub fn problem_response(problem: &Problem) -> Response<Body> {
    let mut response = Response::new(Body::from(problem.to_json()));
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    // The rest of a body that is too large or too late is not waited for, so the connection cannot go on
    // (RFC 9110, sections 15.5.9 and 15.5.14).
    if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What a refusal of access is to a client.
#[must_use]
pub fn denied(denied: Denied) -> Problem {
    let detail = denied.to_string();
    match denied {
        Denied::Unauthenticated | Denied::Expired | Denied::Revoked => Problem::unauthenticated(detail),
        Denied::Undecided => Problem::unavailable(detail).after(BACK_OFF),
        _ => Problem::forbidden(detail),
    }
}

/// What a refused subscription is to a client.
#[must_use]
pub fn subscribe_problem(error: SubscribeError) -> Problem {
    let detail = error.to_string();
    match error {
        SubscribeError::Denied(reason) => denied(reason),
        SubscribeError::TooManySelectors { .. } => Problem::bad_request(detail),
        SubscribeError::TooManyOfSubject { .. } => Problem::too_many(detail).after(BACK_OFF),
        SubscribeError::TooMany { retry } => Problem::too_many(detail).after(retry),
        SubscribeError::Engine(_) => Problem::unavailable(detail).after(BACK_OFF),
        _ => Problem::overloaded(detail).after(BACK_OFF),
    }
}

/// What the end of a subscription is to a client that has no answer yet.
#[must_use]
pub fn end_problem(end: End) -> Problem {
    match end {
        End::Drained { retry } => Problem::draining("this node is being drained").after(retry),
        End::Unavailable { retry } => {
            Problem::unavailable("older messages cannot be read now; come back with the same cursor")
                .after(retry)
        }
        _ => Problem::unauthenticated("what you were allowed has ended"),
    }
}

/// What a refused publish is to a client.
#[must_use]
pub fn publish_problem(error: PublishError) -> Problem {
    let detail = error.to_string();
    match error {
        PublishError::Denied(reason) => denied(reason),
        PublishError::TooLarge { .. } => Problem::too_large(detail),
        PublishError::TooMany { retry } => Problem::too_many(detail).after(retry),
        PublishError::Engine(EngineError::Refused(refusal)) => match refusal {
            AppendError::TooLarge => Problem::too_large(detail),
            AppendError::TooManyPlaces => Problem::bad_request(detail),
            AppendError::KeyConflict => Problem::key_conflict(detail),
            AppendError::Full => Problem::full(detail).after(BACK_OFF),
            _ => Problem::overloaded(detail).after(BACK_OFF),
        },
        PublishError::Engine(EngineError::NoSpace) => Problem::full(detail).after(BACK_OFF),
        _ => Problem::unavailable(detail).after(BACK_OFF),
    }
}
