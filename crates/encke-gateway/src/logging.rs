//! What the process says of itself, to standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Logging};

/// Begins to log. Colour is for terminals, and only where `NO_COLOR` is not set.
pub(crate) fn init(logging: &Logging) {
    let targets = logging.level.targets.iter().map(|(target, level)| (target.as_str(), *level));
    let levels = Targets::new().with_default(logging.level.rest).with_targets(targets);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(colour);
    let layer = match logging.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    // A second call, as in a test of the whole process, changes nothing.
    let _ = tracing_subscriber::registry().with(layer.with_filter(levels)).try_init();
}
