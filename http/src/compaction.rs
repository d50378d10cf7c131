//! `surehold compact`: makes the data of a server that is not running smaller, and says by how much.

use surehold::OpenError;
use surehold::retention::offline::{self, Compacted};

use crate::config::Folder;
use crate::remote::Bar;

/// Compacts a folder; one line says what that came to.
///
/// # Errors
/// [`OpenError`], among others while a server has the folder.
pub fn compact(folder: &Folder) -> Result<String, OpenError> {
    let bar = Bar::new();
    let mut all = 0;
    let done = offline::compact(&folder.data, &folder.plans, folder.kept, |done, of| {
        all = of;
        bar.show(done, of);
    })?;
    if all > 0 {
        bar.end(all);
    }
    Ok(told(&done))
}

fn told(done: &Compacted) -> String {
    let Compacted { removed, first, last, bytes_before, bytes_after, held_by } = *done;
    let left = (last + 1).saturating_sub(first);
    let (before, after) = (mib(bytes_before), mib(bytes_after));
    let mut line =
        format!("{removed} records left the journal, {left} are kept: {before} became {after}");
    if let Some(name) = held_by {
        line.push_str(&format!("; {name} had not come further, which a running server mends"));
    }
    line
}

/// A size for people.
fn mib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10).div_ceil(1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_went_and_what_is_left() {
        let (bytes_before, bytes_after) = (41 * 1024 * 1024 + 1, 1024 * 1024);
        let mut done = Compacted {
            removed: 90,
            first: 91,
            last: 100,
            bytes_before,
            bytes_after,
            held_by: None,
        };
        let line = "90 records left the journal, 10 are kept: 41.1 MiB became 1.0 MiB";
        assert_eq!(told(&done), line);
        done.held_by = Some("messages");
        assert!(told(&done).starts_with(line) && told(&done).contains("; messages had not"));
    }
}
