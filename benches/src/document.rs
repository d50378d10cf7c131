//! The findings of one run as a file: what `--json` writes and `--compare` reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::findings::Findings;

/// The version of the file. A reader that knows another one refuses it; new fields do not make a new version.
pub const VERSION: u32 = 1;

/// One run: the findings of its suites.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// The version of this shape.
    pub version: u32,
    /// When the run ended, in UTC.
    #[serde(default)]
    pub made: String,
    /// What each suite found.
    pub findings: Vec<Findings>,
}

/// Why a file is none that can be compared.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what `--json` writes.
    #[error("{path} is not a report of this program: {source}")]
    Shape {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is of another version.
    #[error("{path} has version {found}; this program reads version {VERSION}")]
    Version {
        /// Which one.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// What is read first, so that another version is named as such and not as a missing field.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Document {
    /// A run that ends now. Its findings are settled.
    #[must_use]
    pub fn new(findings: Vec<Findings>) -> Self {
        let made = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
        let findings = findings.into_iter().map(Findings::settled).collect();
        Self { version: VERSION, made, findings }
    }

    /// Whether every subject kept its promise.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(Findings::is_sound)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, is something else, or has another version.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let io = |source| DocumentError::Io { path: path.to_path_buf(), source };
        let shape = |source| DocumentError::Shape { path: path.to_path_buf(), source };
        let text = fs::read_to_string(path).map_err(io)?;
        let Version { version: found } = serde_json::from_str(&text).map_err(shape)?;
        if found != VERSION {
            return Err(DocumentError::Version { path: path.to_path_buf(), found });
        }
        serde_json::from_str(&text).map_err(shape)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DocumentError> {
        let io = |source| DocumentError::Io { path: path.to_path_buf(), source };
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| DocumentError::Shape { path: path.to_path_buf(), source })?;
        fs::write(path, text + "\n").map_err(io)
    }
}
