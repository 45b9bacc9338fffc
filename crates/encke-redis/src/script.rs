/// What is done in one step by Redis itself.
///
/// No script trusts that the server is the one that the node has seen before: each that writes compares the epoch and
/// the server's own `master_replid` with what the node knows. So loading one again is always safe.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script {
    Begin,
    Publish,
    Trim,
    Expire,
    Seek,
}

/// `flags` says what Redis lets it do: by default a script is refused when memory is full; freeing never is.
macro_rules! text {
    ($flags:literal, $file:literal) => {
        concat!("#!lua", $flags, "\n", include_str!("common.lua"), "\n", include_str!($file))
    };
}

impl Script {
    pub(crate) const ALL: [Self; 5] = [Self::Begin, Self::Publish, Self::Trim, Self::Expire, Self::Seek];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Begin => text!(" flags=allow-oom", "begin.lua"),
            Self::Publish => text!("", "publish.lua"),
            Self::Trim => text!(" flags=allow-oom", "trim.lua"),
            Self::Expire => text!(" flags=allow-oom", "expire.lua"),
            Self::Seek => text!(" flags=no-writes", "seek.lua"),
        }
    }
}
