//! What is done to the process: killed, stopped, held up, started again and again, given another time, and left without
//! a disk to write to.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use surehold_storage::faulty::Dice;

use super::stage::Stage;
use crate::server::{Server, signal};

/// Most milliseconds between two faults.
const QUIET: u64 = 900;
/// Most milliseconds a held up process stands still.
const HELD_UP: u64 = 1500;
/// Most milliseconds each process of a restart storm lives.
const STORM: u64 = 60;
/// Most seconds the next process' clock is off, either way.
const CLOCK_OFF: u64 = 3600;
/// How long a server may need to take orders again, once its disk has room.
const HEALED_WITHIN: Duration = Duration::from_secs(30);
/// Size of the small disk.
const SMALL_DISK: &str = "size=192m";

/// How often what was done.
pub(super) type Done = BTreeMap<&'static str, u64>;

/// Does it until the time is over. The server runs at the end.
///
/// # Errors
/// One line, if the server does not come back from something.
pub(super) fn play(
    server: &mut Server,
    stage: &Stage,
    dice: &mut Dice,
    until: Instant,
    small_disk: bool,
) -> Result<Done, String> {
    let mut done = Done::new();
    while Instant::now() < until {
        thread::park_timeout(Duration::from_millis(dice.below(QUIET)));
        let kind = dice.below(if small_disk { 12 } else { 10 });
        let what = match kind {
            0..4 => {
                server.kill();
                "kills"
            }
            4 | 5 => {
                hold_up(server, dice)?;
                *done.entry("times held up").or_default() += 1;
                continue;
            }
            6 => {
                for _ in 0..3 + dice.below(4) {
                    server.stumble(Duration::from_millis(dice.below(STORM)))?;
                    *done.entry("kills").or_default() += 1;
                }
                "restart storms"
            }
            7 => {
                let ended = server.stop()?;
                if ended.status.code() != Some(0) {
                    return Err(format!(
                        "asked to stop it ended with {}: {}",
                        ended.status, ended.stderr
                    ));
                }
                "orderly stops"
            }
            8 | 9 => {
                let off = i64::try_from(dice.below(2 * CLOCK_OFF)).unwrap_or(0);
                let off = off - i64::try_from(CLOCK_OFF).unwrap_or(0);
                server.kill();
                server.set_flags(vec![format!("--clock-off={off}")]);
                "clock changes"
            }
            _ => {
                fill_up(server, dice)?;
                *done.entry("full disks").or_default() += 1;
                continue;
            }
        };
        stage.moved_to("");
        server.restart()?;
        stage.moved_to(server.address());
        *done.entry(what).or_default() += 1;
    }
    Ok(done)
}

/// The process stands still for a while, and knows nothing of it.
fn hold_up(server: &Server, dice: &mut Dice) -> Result<(), String> {
    let process = server.process().ok_or("the server does not run")?;
    signal("STOP", process)?;
    thread::park_timeout(Duration::from_millis(dice.below(HELD_UP)));
    signal("CONT", process)
}

/// Nothing can be written for a while. Then there is room again, and the server must find that out by itself.
fn fill_up(server: &Server, dice: &mut Dice) -> Result<(), String> {
    let ballast = server.data().join("ballast");
    fill(&ballast);
    thread::park_timeout(Duration::from_millis(dice.below(2000)));
    fs::remove_file(&ballast).map_err(|error| format!("{}: {error}", ballast.display()))?;
    let freed = Instant::now();
    while !server.is_ready() {
        if freed.elapsed() > HEALED_WITHIN {
            return Err(format!(
                "with room on its disk again, the server takes no orders for {HEALED_WITHIN:?}"
            ));
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

/// Writes until nothing more goes in. That is meant to fail.
fn fill(file: &Path) {
    let Ok(mut ballast) = fs::File::create(file) else { return };
    let block = vec![0u8; 64 * 1024];
    while ballast.write_all(&block).is_ok() {}
    while ballast.write_all(&block[..512]).is_ok() {}
}

/// A small disk of its own, as long as this lives.
pub(super) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Puts one in the place of this folder; `None` where that is not allowed.
    pub(super) fn at(folder: &Path) -> Option<SmallDisk> {
        fs::create_dir_all(folder).ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SMALL_DISK, "tmpfs"]).arg(folder);
        let mounted = mount.output().ok()?.status.success();
        mounted.then(|| SmallDisk { folder: folder.to_owned() })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it fails, the system takes it back when the last file is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}
