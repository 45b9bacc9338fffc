//! What the gateway shows to a person.

use bytes::Bytes;
use encke_http::{Body, problem_response};
use encke_wire::Problem;
use http::{HeaderValue, Response, header};

/// `{nonce}` stands where its script and style get what the policy lets run.
const START: &str = include_str!("start.html");

/// The start page: one channel over each transport side by side.
///
/// No text becomes markup in it: the policy lets nothing run but its own script, and gives that no way to parse
/// HTML (Trusted Types).
pub(crate) fn start() -> Response<Body> {
    let mut random = [0; 16];
    match getrandom::fill(&mut random) {
        Ok(()) => start_with(&format!("{:032x}", u128::from_ne_bytes(random))),
        Err(_) => problem_response(&Problem::internal("the system gave no random bits")),
    }
}

fn start_with(nonce: &str) -> Response<Body> {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let Ok(policy) = HeaderValue::try_from(policy) else {
        return problem_response(&Problem::internal("a policy that is no header text"));
    };
    let mut response = of("text/html; charset=utf-8", START.replace("{nonce}", nonce).into());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// A line for a machine or a person.
pub(crate) fn text(text: &'static str) -> Response<Body> {
    of("text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn of(content_type: &'static str, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
