//! Programs of others in Python, installed once beside what cargo builds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the programs of a release such as `localstripe==1.15.10`, in a Python of its own.
pub(crate) fn programs(release: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(release.replace("==", "-"));
    let ready = folder.join("ready");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    // Tests are processes of their own; one of them installs, the others wait.
    lock.lock().unwrap();
    if !ready.exists() {
        let run = |what: &str, command: &mut Command| {
            let output = command.output();
            let said = match &output {
                Ok(output) if output.status.success() => return,
                Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
                Err(error) => error.to_string(),
            };
            panic!(
                "{what}: {said}\nSome tests play against {release} from PyPI. They need python3 with venv (on \
                 Debian: apt-get install python3-venv) and a package index that pip reaches."
            );
        };
        let mut venv = Command::new("python3");
        run("python3 -m venv", venv.args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
        let mut pip = Command::new(folder.join("venv/bin/python"));
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run("pip install", pip.args(quiet).arg(release));
        File::create(&ready).unwrap();
    }
    folder.join("venv/bin")
}
