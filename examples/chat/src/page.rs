//! The page and its scripts.

use encke::http::{Body, protect};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
};

/// What a browser lets the page do: run scripts of this server and ask it, and make no text into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The file at `path`, or that there is none.
pub(crate) fn file(path: &str) -> Response<Body> {
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../index.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../page.css")),
        "/page.js" => (SCRIPT, include_str!("../page.js")),
        _ => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
    };
    let mut response = Response::new(Body::from(Vec::from(text)));
    protect(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
