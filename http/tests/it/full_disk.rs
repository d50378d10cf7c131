//! A disk that fills up: the server refuses, loses nothing it answered, and recovers by itself.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::{CINEMA, Server, until};

/// A small file system of its own, gone with the test.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one; `None` where that is not permitted.
    fn mount(at: &Path) -> Option<Disk> {
        std::fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Disk(at.to_owned()))
    }

    /// Takes all the room there is, and returns the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("disk")) else {
        println!("full_disk: not run, mounting a tmpfs is not permitted here");
        return;
    };
    let market = folder.path().join("cinema.toml");
    File::create(&market).unwrap().write_all(CINEMA.as_bytes()).unwrap();
    let flags = ["--admin", "--market", market.to_str().unwrap()];
    let server = Server::with(&disk.0.join("data"), &flags);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 2, "payment": {"card": "7"},
        "attributes": {"padding": "p".repeat(1000)}});
    let mut promised: Vec<Value> = Vec::new();
    for _ in 0..20 {
        promised.push(client.post("/v1/cinema/orders", &order).expect(201).json());
    }
    let ballast = disk.fill();
    // What is in the journal's file already may still take some orders.
    until("the disk is full", || {
        disk.fill();
        let answer = client.post("/v1/cinema/orders", &order);
        match answer.status {
            // 202: it is on disk that it was placed; the rest follows when there is room again.
            201 | 202 => promised.push(answer.json()),
            503 => {
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                return Some(());
            }
            _ => panic!("{answer:?}"),
        }
        None
    });
    until("it is not ready", || (client.get("/readyz").status == 503).then_some(()));
    client.get("/livez").expect(200);
    std::fs::remove_file(ballast).unwrap();
    until("it is ready again", || (client.get("/readyz").status == 200).then_some(()));
    let new = until("it takes orders", || {
        let answer = client.post("/v1/cinema/orders", &order);
        (answer.status == 201).then(|| answer.json())
    });
    promised.push(new);
    for was in promised {
        let is = client.get(&format!("/v1/cinema/orders/{}", was["id"])).expect(200).json();
        assert_eq!((&is["customer"], &is["attributes"]), (&was["customer"], &was["attributes"]));
        if was["payment"]["state"] == "captured" {
            assert_eq!(is["payment"], was["payment"], "{is}");
        }
    }
    assert_eq!(client.get("/v1/admin/audit").expect(200).json()["balanced"], true);
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
}
