//! The folder of the store: numbered generations, and a file that says which of them counts.
//!
//! ```text
//!  lock     held for as long as the store is open
//!  current  the number of the generation that counts; without it that is 1
//!  7        a generation: a folder of sled's
//!  8        its successor, while it is being filled
//! ```
//!
//! `current` is replaced in one step by a rename, and only when the successor is complete and
//! synced. So a crash at any time leaves one complete generation that counts; whatever else lies
//! there is removed at the next opening.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::barrier::Barrier;

const CURRENT: &str = "current";
const CURRENT_UNFINISHED: &str = "current.new";

/// Where the lock lies.
pub(crate) fn lock(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Where a generation lies.
pub(crate) fn generation(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string())
}

/// Says that from now on this generation counts. The folder must be synced afterwards.
pub(crate) fn appoint(barrier: &dyn Barrier, folder: &Path, number: u64) -> io::Result<()> {
    let unfinished = folder.join(CURRENT_UNFINISHED);
    let mut file = File::create(&unfinished)?;
    file.write_all(number.to_string().as_bytes())?;
    barrier.file(&file, &unfinished)?;
    barrier.rename(&unfinished, &folder.join(CURRENT))
}

/// The number of the generation that counts, after removing the others.
pub(crate) fn tidy(folder: &Path) -> io::Result<u64> {
    let current = match fs::read_to_string(folder.join(CURRENT)) {
        Ok(number) => number
            .parse::<u64>()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it names no generation"))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 1,
        Err(error) => return Err(error),
    };
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.parse::<u64>().is_ok_and(|number| number != current) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(current)
}
