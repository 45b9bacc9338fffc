use encke_core::ChannelName;

/// The keys of one log. They begin with its name in braces, so that they are in one slot of a cluster.
pub(crate) struct Keys {
    prefix: String,
    pub(crate) life: String,
    pub(crate) log: String,
    pub(crate) channels: String,
    pub(crate) ages: String,
}

impl Keys {
    pub(crate) fn new(name: &str) -> Self {
        let key = |last: &str| format!("{{{name}}}:{last}");
        Self {
            prefix: key("c:"),
            life: key("life"),
            log: key("log"),
            channels: key("channels"),
            ages: key("ages"),
        }
    }

    /// The stream of a channel's messages.
    pub(crate) fn channel(&self, name: &ChannelName) -> String {
        format!("{}{}", self.prefix, name.as_str())
    }
}
