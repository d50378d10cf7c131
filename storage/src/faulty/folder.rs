//! A folder whose synced contents are known, and what of it a power cut would leave.
//!
//! The files are real, because sled knows no other. Around every sync and rename the whole folder is
//! read: such a look is a *moment*, and the power may be cut at each. What sled writes by itself
//! between two moments is seen at the next one; at any time in between, the earlier moment is
//! one of the things a power cut may leave, because whatever is not synced may be lost.
//!
//! What is modelled: a sector that was not synced is old or new, a file's length is old or new, a
//! name that was made or removed and not synced is there or not, a rename happened or did not, and a
//! file whose name was synced before its contents may be empty. A sync counts only for what was
//! there before it began. Syncs that sled makes of its own accord count for nothing. What is not
//! modelled: a disk that loses what it called synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::contents::Contents;
use super::{Dice, Survivors};
use crate::sled::Barrier;

/// What lies in a folder, by path within it; `None` is a folder.
pub type FolderImage = BTreeMap<PathBuf, Option<Vec<u8>>>;

#[derive(Clone)]
enum Node {
    Folder,
    File(Contents),
}

type Nodes = BTreeMap<PathBuf, Node>;

/// What a power cut cannot take any more.
#[derive(Clone, Default)]
struct Certain {
    /// What has its name for certain.
    names: Nodes,
    /// Contents by path, as they were synced.
    contents: BTreeMap<PathBuf, Contents>,
    /// Renames whose folder is not synced yet.
    renames: Vec<(PathBuf, PathBuf)>,
}

struct Moment {
    stamp: usize,
    certain: Certain,
    live: Nodes,
}

/// A folder for sled. See the module.
pub struct FaultyFolder {
    root: PathBuf,
    stamp: Box<dyn Fn() -> usize + Send + Sync>,
    state: Mutex<(Certain, Vec<Moment>)>,
}

impl FaultyFolder {
    /// Puts `image` into the folder `root`, all of it synced. `stamp` tells the time of a moment.
    ///
    /// # Errors
    /// What the system says.
    pub fn holding(
        root: &Path,
        image: &FolderImage,
        stamp: impl Fn() -> usize + Send + Sync + 'static,
    ) -> io::Result<FaultyFolder> {
        fs::create_dir_all(root)?;
        let mut certain = Certain::default();
        for (path, bytes) in image {
            let node = match bytes {
                None => {
                    fs::create_dir_all(root.join(path))?;
                    Node::Folder
                }
                Some(bytes) => {
                    fs::write(root.join(path), bytes)?;
                    let contents = Contents::of(bytes, None);
                    certain.contents.insert(path.clone(), contents.clone());
                    Node::File(contents)
                }
            };
            certain.names.insert(path.clone(), node);
        }
        let live = certain.names.clone();
        let moments = vec![Moment { stamp: 0, certain: certain.clone(), live }];
        let (root, stamp) = (root.to_owned(), Box::new(stamp));
        Ok(FaultyFolder { root, stamp, state: Mutex::new((certain, moments)) })
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The stamps of all moments, in order; the first is 0.
    #[must_use]
    pub fn moments(&self) -> Vec<usize> {
        self.state().1.iter().map(|moment| moment.stamp).collect()
    }

    /// What a power cut at the moment with this number would leave; the same for the same seed.
    #[must_use]
    pub fn after_power_cut(&self, moment: usize, survivors: Survivors, seed: u64) -> FolderImage {
        let state = self.state();
        state.1.get(moment).map_or_else(FolderImage::new, |moment| {
            moment.after_power_cut(survivors, &mut Dice::new(seed))
        })
    }

    fn state(&self) -> MutexGuard<'_, (Certain, Vec<Moment>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, lets `sync` say what becomes certain by that, and remembers the moments before and
    /// after.
    fn moment(&self, sync: impl FnOnce(&mut Certain, &Nodes)) -> io::Result<()> {
        let mut state = self.state();
        let (certain, moments) = &mut *state;
        let stamp = (self.stamp)();
        let mut live = Nodes::new();
        let before = moments.last().map(|moment| &moment.live);
        read(&self.root, Path::new(""), before, &mut live)?;
        moments.push(Moment { stamp, certain: certain.clone(), live: live.clone() });
        sync(certain, &live);
        moments.push(Moment { stamp, certain: certain.clone(), live });
        Ok(())
    }

    /// The path within the folder; `None` if it lies elsewhere.
    fn within(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.root).ok().map(Path::to_owned)
    }
}

impl Barrier for FaultyFolder {
    fn file(&self, _file: &File, path: &Path) -> io::Result<()> {
        let Some(path) = self.within(path) else { return Ok(()) };
        self.moment(|certain, live| {
            if let Some(Node::File(contents)) = live.get(&path) {
                certain.contents.insert(path, contents.clone());
            }
        })
    }

    fn folder(&self, folder: &Path) -> io::Result<()> {
        let Some(folder) = self.within(folder) else { return Ok(()) };
        self.moment(|certain, live| certain.folder_synced(&folder, live))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        let (Some(from), Some(to)) = (self.within(from), self.within(to)) else { return Ok(()) };
        let mut state = self.state();
        state.0.renames.push((from, to));
        drop(state);
        // Nothing becomes certain, but the power may be cut here, too.
        self.moment(|_, _| {})
    }
}

impl Certain {
    fn folder_synced(&mut self, folder: &Path, live: &Nodes) {
        let within = |path: &Path| path.parent() == Some(folder);
        for (from, to) in std::mem::take(&mut self.renames) {
            if !within(&to) {
                self.renames.push((from, to));
            } else if let Some(contents) = self.contents.remove(&from) {
                self.contents.insert(to, contents);
            }
        }
        let gone = |path: &Path| path.ancestors().any(|it| within(it) && !live.contains_key(it));
        self.names.retain(|path, _| !gone(path));
        self.contents.retain(|path, _| !gone(path));
        let here = live.iter().filter(|(path, _)| within(path));
        self.names.extend(here.map(|(path, node)| (path.clone(), node.clone())));
    }

    fn contents(&self, path: &Path) -> Vec<u8> {
        self.contents.get(path).map(Contents::bytes).unwrap_or_default()
    }
}

impl Moment {
    fn after_power_cut(&self, survivors: Survivors, dice: &mut Dice) -> FolderImage {
        let mut left = FolderImage::new();
        let paths: BTreeSet<&PathBuf> = self.live.keys().chain(self.certain.names.keys()).collect();
        for path in paths {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty());
            let stands = above.is_none_or(|above| matches!(left.get(above), Some(None)));
            if stands && let Some(node) = self.node(path, survivors, dice) {
                left.insert(path.clone(), node);
            }
        }
        for (from, to) in &self.certain.renames {
            if survives(survivors, dice) {
                left.insert(to.clone(), Some(self.certain.contents(from)));
            } else {
                left.insert(from.clone(), Some(self.certain.contents(from)));
                if self.certain.names.contains_key(to) {
                    left.insert(to.clone(), Some(self.certain.contents(to)));
                }
            }
        }
        left
    }

    /// What is left under this name; `None` if nothing has it, or a rename decides.
    fn node(&self, path: &Path, survivors: Survivors, dice: &mut Dice) -> Option<Option<Vec<u8>>> {
        if self.certain.renames.iter().any(|(from, to)| from == path || to == path) {
            return None;
        }
        let certain = self.certain.names.get(path);
        let live = self.live.get(path);
        let node = match (certain, live) {
            (Some(_), Some(live)) => live,
            (None, Some(live)) if survives(survivors, dice) => live,
            (Some(removed), None) if !survives(survivors, dice) => removed,
            (Some(_) | None, Some(_) | None) => return None,
        };
        Some(match node {
            Node::Folder => None,
            Node::File(contents) if live.is_some() => {
                let old = self.certain.contents.get(path);
                Some(contents.mixed_into(old, survivors, dice))
            }
            Node::File(_) => Some(self.certain.contents(path)),
        })
    }
}

fn survives(survivors: Survivors, dice: &mut Dice) -> bool {
    match survivors {
        Survivors::Nothing => false,
        Survivors::Prefix | Survivors::Subset => dice.below(2) == 0,
    }
}

/// Reads all that lies in `root` from `folder` down; what did not change since `before` is shared.
fn read(root: &Path, folder: &Path, before: Option<&Nodes>, into: &mut Nodes) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read(root, &path, before, into)?;
            into.insert(path, Node::Folder);
            continue;
        }
        let bytes = match fs::read(entry.path()) {
            Ok(bytes) => bytes,
            // sled removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let known = match before.and_then(|before| before.get(&path)) {
            Some(Node::File(known)) => Some(known),
            Some(Node::Folder) | None => None,
        };
        into.insert(path, Node::File(Contents::of(&bytes, known)));
    }
    Ok(())
}
