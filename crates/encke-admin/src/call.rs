use std::sync::Arc;

use encke_hub::{Asker, Grant, Hub};
use encke_wire::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::AdminConfig;

/// What all operations need.
pub(crate) struct Shared {
    /// Asks nobody: whoever calls an operation has been asked.
    pub(crate) trusted: Hub,
    pub(crate) config: AdminConfig,
    pub(crate) document: Box<RawValue>,
}

/// One request, of somebody who may administer.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) asker: Arc<Asker>,
    /// Everything, in the name of whoever asks.
    pub(crate) grant: Grant,
}

impl Call {
    pub(crate) fn hub(&self) -> &Hub {
        &self.shared.trusted
    }
}

pub(crate) type Answer<T> = Result<T, Problem>;

/// No arguments, or a body without fields.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct Nothing {}
