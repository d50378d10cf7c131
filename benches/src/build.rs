//! Makes the server's release binary when nobody names one.
//!
//! It always asks Cargo, also when a binary lies in the target folder already: a figure of a stale binary is worse than
//! a moment of building, and Cargo knows where its target folder is.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The package that has the server, and the name of its binary.
const PACKAGE: &str = "surehold-http";
const BINARY: &str = "surehold";

/// Why there is no binary.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be run.
    #[error(
        "cannot run cargo to build the server: {0}; build it with `cargo build --release -p {PACKAGE}` and name it with --server PATH"
    )]
    Cargo(#[from] io::Error),
    /// The build failed; Cargo has said why.
    #[error(
        "the server does not build (see above); to measure another binary, name it with --server PATH"
    )]
    Failed,
    /// The build went well but made no such binary.
    #[error("package {PACKAGE} built no binary `{BINARY}`; name one with --server PATH")]
    NoBinary,
}

/// Builds the server in release mode and returns its binary. Cargo's own messages go to stderr.
pub fn build_server() -> Result<PathBuf, BuildError> {
    build_with("release")
}

/// The same with another profile of Cargo's.
pub fn build_with(profile: &str) -> Result<PathBuf, BuildError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--profile", profile, "-p", PACKAGE, "--bin", BINARY]);
    command.arg("--message-format=json-render-diagnostics");
    // Under `cargo run` this is the folder of this package, inside the workspace; otherwise the caller stands in it.
    if let Some(folder) = env::var_os("CARGO_MANIFEST_DIR") {
        command.current_dir(folder);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(BuildError::Failed);
    }
    find_binary(&String::from_utf8_lossy(&output.stdout)).ok_or(BuildError::NoBinary)
}

/// Finds the binary in Cargo's messages, one JSON object a line.
fn find_binary(messages: &str) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(
        |message| {
            let named = message["target"]["name"] == BINARY;
            named.then(|| message["executable"].as_str().map(PathBuf::from))?
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_the_executable_of_that_name() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"tokio"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"surehold"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"surehold"},"executable":"t/release/surehold"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(find_binary(messages), Some(PathBuf::from("t/release/surehold")));
        assert_eq!(find_binary(""), None);
    }
}
