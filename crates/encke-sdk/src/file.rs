//! The built files, each as it is sent.

use std::{io::Write, sync::LazyLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

macro_rules! built {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("../dist/", $name)).as_slice())),*]
    };
}

const BUILT: [(&str, &[u8]); 10] = built![
    "encke.js",
    "encke.js.map",
    "encke.mjs",
    "encke.mjs.map",
    "eventtube.mjs",
    "eventtube.mjs.map",
    "legacy.mjs",
    "legacy.mjs.map",
    "presence.mjs",
    "presence.mjs.map"
];

/// The short name of the classic script, which is that of EventTube's.
const SHORT: (&str, &str) = ("js", "encke.js");

static FILES: LazyLock<Vec<File>> =
    LazyLock::new(|| BUILT.iter().map(|(name, content)| File::new(name, content)).collect());

/// A file, in its two representations (RFC 9110, section 8.8.3.3: each has a tag of its own).
pub(crate) struct File {
    name: &'static str,
    pub(crate) plain: Representation,
    /// Missing if it could not be compressed.
    pub(crate) gzip: Option<Representation>,
}

/// Bytes as they are sent, and what they are known by.
pub(crate) struct Representation {
    pub(crate) bytes: Bytes,
    pub(crate) tag: String,
}

impl File {
    fn new(name: &'static str, content: &'static [u8]) -> Self {
        let gzip = gzip(content).map(Representation::new);
        Self { name, plain: Representation::new(Bytes::from_static(content)), gzip }
    }

    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        let name = if name == SHORT.0 { SHORT.1 } else { name };
        FILES.iter().find(|file| file.name == name)
    }

    pub(crate) fn content_type(&self) -> &'static str {
        if self.is_map() { "application/json" } else { "text/javascript; charset=utf-8" }
    }

    fn is_map(&self) -> bool {
        self.name.ends_with(".map")
    }
}

impl Representation {
    fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let hash: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, tag: format!("\"{hash}\"") }
    }
}

/// Compresses all files, unless that is done.
pub(crate) fn prepare() {
    LazyLock::force(&FILES);
}

/// What there is, for a person who asked for something else.
pub(crate) fn names() -> String {
    let scripts = FILES.iter().filter(|file| !file.is_map()).map(|file| file.name);
    [SHORT.0].into_iter().chain(scripts).collect::<Vec<_>>().join(", ")
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_found_and_has_a_map_where_it_says() {
        for name in ["js", "encke.js", "encke.mjs", "eventtube.mjs", "legacy.mjs", "presence.mjs"] {
            let file = File::find(name).unwrap();
            let text = str::from_utf8(&file.plain.bytes).unwrap();
            let (_, map) = text.trim_end().rsplit_once("//# sourceMappingURL=").unwrap();
            assert_eq!(File::find(map).unwrap().content_type(), "application/json", "{name}");
            assert!(names().contains(name));
        }
        for name in ["", "encke", "js.map", "index.d.ts", "encke.mjs/"] {
            assert!(File::find(name).is_none(), "{name}");
        }
    }

    /// What a script imports is asked for beside it.
    #[test]
    fn what_is_imported_is_served() {
        for file in FILES.iter().filter(|file| !file.is_map()) {
            let text = str::from_utf8(&file.plain.bytes).unwrap();
            for import in text.split("import(\"./").skip(1) {
                let (name, _) = import.split_once('"').unwrap();
                assert!(File::find(name).is_some(), "{} imports {name}", file.name);
            }
        }
    }

    #[test]
    fn gzip_is_smaller_and_each_representation_has_its_own_tag() {
        let tags: std::collections::BTreeSet<_> = FILES
            .iter()
            .flat_map(|file| {
                let gzip = file.gzip.as_ref().unwrap();
                assert!(gzip.bytes.len() < file.plain.bytes.len(), "{}", file.name);
                [&file.plain.tag, &gzip.tag]
            })
            .collect();
        assert_eq!(tags.len(), 2 * BUILT.len());
    }
}
