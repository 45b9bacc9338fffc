//! What is only wrong, or doubtful, together.

use std::net::SocketAddr;

use super::{
    diagnostic::{Finding, Place},
    origins::{AllowedOrigin, Origins},
    route::Route,
    section::Section,
};

/// Refuses routes that no request can reach, because an earlier one takes them all.
pub(super) fn refuse_hidden(s: &mut Section<'_>, routes: &[(Route, Place)]) {
    for (index, (route, at)) in routes.iter().enumerate() {
        if let Some((earlier, _)) = routes[..index].iter().find(|(earlier, _)| earlier.hides(route)) {
            let (path, kind) = (earlier.path.as_str(), earlier.kind.name());
            let wrong = format!("no request reaches this route: the `{kind}` of {path} above takes them all");
            s.wrong(at.clone(), wrong, "give one of them another path, or the earlier one a `when`");
        }
    }
}

/// Refuses routes by which everybody may change the log, where everybody can connect. On loopback nobody else can.
pub(super) fn refuse_open(s: &mut Section<'_>, listen: SocketAddr, routes: &[(Route, Place)]) {
    if listen.ip().is_loopback() {
        return;
    }
    for (route, at) in routes.iter().filter(|(route, _)| route.is_open_to_publish()) {
        let wrong = format!("everybody on other machines may change the log by {}", route.path.as_str());
        s.wrong(
            at.clone(),
            wrong,
            "say who decides: `auth`; or whose addresses may: `allow` (or `publishers`)",
        );
    }
}

/// What is valid, but opens more than one may have meant.
pub(super) fn warnings((origins, at): (&Origins, Place)) -> Vec<Finding> {
    let mut warnings = Vec::new();
    if origins.0.contains(&AllowedOrigin::Any) {
        warnings.push(Finding {
            at,
            wrong: "pages of every origin may read, and publish where that is allowed".to_owned(),
            right: "list the origins, unless all that is published is public".to_owned(),
        });
    }
    warnings
}
