//! The data folders of earlier builds, packed into the program. A build that stores something in a new
//! format gets an entry here, with a folder that it left by a kill and what it said of each order.

use std::path::Path;

use flate2::read::GzDecoder;

/// What an earlier build left.
pub(super) struct Release {
    pub(super) name: &'static str,
    /// The data folder, packed.
    data: &'static [u8],
    /// What that build said of each order in the end, one on a line.
    pub(super) orders: &'static str,
    /// Its markets of its own, as files.
    pub(super) markets: &'static [&'static str],
    /// Its built-in markets.
    pub(super) builtin: &'static [&'static str],
}

/// A file of the corpus.
macro_rules! stored {
    ($include:ident, $path:literal) => {
        $include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../http/tests/corpus/", $path))
    };
}

/// All of them, the oldest first.
pub(super) const RELEASES: &[Release] = &[
    Release {
        name: "v1",
        data: stored!(include_bytes, "v1/data.tar.gz"),
        orders: stored!(include_str, "v1/orders.jsonl"),
        markets: &[stored!(include_str, "v1/cinema.toml")],
        builtin: &["talentshare"],
    },
    Release {
        name: "v2",
        data: stored!(include_bytes, "v2/data.tar.gz"),
        orders: stored!(include_str, "v2/orders.jsonl"),
        markets: &[
            stored!(include_str, "v2/house.toml"),
            stored!(include_str, "v2/guide.toml"),
            stored!(include_str, "v2/booth.toml"),
        ],
        builtin: &[],
    },
];

impl Release {
    /// Puts the folder there, as it was left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn unpack(&self, to: &Path) -> Result<(), String> {
        let mut archive = tar::Archive::new(GzDecoder::new(self.data));
        // Who owned the files and when is of no interest.
        archive.set_preserve_mtime(false);
        archive.unpack(to).map_err(|error| format!("{}: {error}", to.display()))
    }
}
