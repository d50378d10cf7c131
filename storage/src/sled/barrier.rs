//! How the store makes what it wrote survive a power cut: every sync and every rename it asks the
//! system for goes through here, so that a test can know what is certain and what is not yet.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Whoever makes things survive.
pub trait Barrier: Send + Sync + 'static {
    /// Returns when the file's contents and length are on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self, file: &File, path: &Path) -> io::Result<()>;

    /// Returns when the names within the folder are on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file another name, in place of whatever had it. Certain once the folder is synced.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// The operating system.
pub(crate) struct System;

impl Barrier for System {
    fn file(&self, file: &File, _path: &Path) -> io::Result<()> {
        // Times and rights of a file are nobody's concern here; its length comes with its data.
        file.sync_data()
    }

    fn folder(&self, folder: &Path) -> io::Result<()> {
        crate::folder::sync(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// Makes the folder, and its entry in the folder above, survive a power cut.
pub(crate) fn create(barrier: &dyn Barrier, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    barrier.folder(folder)?;
    match folder.parent() {
        Some(parent) if parent.as_os_str().is_empty() => barrier.folder(Path::new(".")),
        Some(parent) => barrier.folder(parent),
        None => Ok(()),
    }
}
