//! What the gateway shows to a person.

use std::sync::LazyLock;

use bytes::Bytes;
use encke_http::{Body, problem_response};
use encke_wire::Problem;
use http::{HeaderValue, Response, header};

/// The lab in one document, so that it needs no second request and nothing from elsewhere. `{nonce}` stands where its
/// script and style get what the policy lets run.
static LAB: LazyLock<String> = LazyLock::new(|| {
    const SCRIPT: &str = concat!(
        include_str!("pages/transports.js"),
        include_str!("pages/card.js"),
        include_str!("pages/lab.js")
    );
    include_str!("pages/lab.html")
        .replace("{style}", include_str!("pages/lab.css"))
        .replace("{script}", SCRIPT)
});

/// The administration, made in the same way.
static ADMIN: LazyLock<String> = LazyLock::new(|| {
    const SCRIPT: &str = concat!(
        include_str!("pages/admin/api.js"),
        include_str!("pages/admin/dom.js"),
        include_str!("pages/admin/plot.js"),
        include_str!("pages/admin/table.js"),
        include_str!("pages/admin/orders.js"),
        include_str!("pages/admin/bans.js"),
        include_str!("pages/admin/channels.js"),
        include_str!("pages/admin/clients.js"),
        include_str!("pages/admin/overview.js"),
        include_str!("pages/admin/main.js")
    );
    include_str!("pages/admin/page.html")
        .replace("{style}", include_str!("pages/admin/style.css"))
        .replace("{script}", SCRIPT)
});

/// The start page is the lab: one channel over each transport side by side, with what each costs.
pub(crate) fn start() -> Response<Body> {
    page(&LAB, "frame-src 'self'; frame-ancestors 'self'")
}

/// The page for whoever runs the gateway. Nobody may frame it: a click there can end something.
pub(crate) fn admin() -> Response<Body> {
    page(&ADMIN, "frame-ancestors 'none'")
}

/// A page in which no text becomes markup: the policy lets nothing run but its own script, and gives that no way to
/// parse HTML (Trusted Types).
fn page(html: &str, frames: &str) -> Response<Body> {
    let mut random = [0; 16];
    match getrandom::fill(&mut random) {
        Ok(()) => page_with(html, frames, &format!("{:032x}", u128::from_ne_bytes(random))),
        Err(_) => problem_response(&Problem::internal("the system gave no random bits")),
    }
}

fn page_with(html: &str, frames: &str, nonce: &str) -> Response<Body> {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; {frames}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let Ok(policy) = HeaderValue::try_from(policy) else {
        return problem_response(&Problem::internal("a policy that is no header text"));
    };
    let mut response = of("text/html; charset=utf-8", html.replace("{nonce}", nonce).into());
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
