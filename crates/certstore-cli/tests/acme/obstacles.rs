//! What is wrong in the storage or with it: told once, and mended without a second order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use certstore_conformance::servers::{CaProxy, Part, Pebble};

use crate::node::{Ca, Node, command, files, wait_for};
use crate::places::Place;
use crate::round_robin::RoundRobin;

/// The files of a name's certificate: chain, private key and metadata.
fn stored(folder: &Path, name: &str) -> [PathBuf; 3] {
    let issuers = fs::read_dir(folder.join("certificates")).expect("there are certificates");
    let issuer = issuers.flatten().next().expect("there is an issuer").path();
    ["crt", "key", "json"].map(|kind| issuer.join(name).join(format!("{name}.{kind}")))
}

#[test]
fn a_key_that_does_not_match_and_a_certificate_for_another_name_are_replaced_and_told_once() {
    let (pebble, place) = (Pebble::start().expect("Pebble starts"), Place::on_files());
    let (ca, roots) = (Ca::of(&pebble), pebble.issuer().expect("its root"));
    let names = ["mixed.example", "foreign.example", "good.example"];
    let door = RoundRobin::on(pebble.http_port());
    let first = Node::start(&place.url, &ca, &names);
    door.add(first.http());
    let old = names.map(|name| first.certificate(&roots, name));
    first.told();
    drop(first);
    let [mixed, foreign, good] = names.map(|name| stored(place.folder(), name));
    fs::copy(&good[1], &mixed[1]).expect("the key of another");
    for (from, to) in good.iter().zip(&foreign) {
        fs::copy(from, to).expect("the whole of another");
    }
    let second = Node::start(&place.url, &ca, &names);
    door.only(second.http());
    second.told();
    let new = names.map(|name| second.certificate(&roots, name));
    assert!(new[0] != old[0] && new[1] != old[1] && new[2] == old[2]);
    assert_eq!(pebble.orders(), 5);
    let log = second.process.log();
    let told = |name: &str| {
        log.lines().filter(|line| line.contains("ERROR") && line.contains(name)).count()
    };
    assert_eq!(names[..2].iter().map(|name| told(name)).collect::<Vec<_>>(), [1, 1], "{log}");
    assert!(!log.contains("panicked") && !log.contains("PRIVATE"), "{log}");
}

/// A small file system for the program alone: size, folder, and the program.
const SMALL: &str = "mount -t tmpfs -o size=\"$0\" tmpfs \"$1\" && shift && exec \"$@\"";

#[test]
fn a_disk_that_is_full_when_the_certificate_comes_is_waited_for_and_costs_no_second_order() {
    let pebble = Pebble::start().expect("Pebble starts");
    let proxy = CaProxy::before(&pebble).expect("the proxy starts");
    let (ca, folder) = (Ca::through(&proxy), tempfile::tempdir().expect("a folder"));
    let held = proxy.hold(Part::Answer, "/certZ/");
    let program = command(&files(folder.path()), &ca, &["full.example"]);
    let mut small = Command::new("unshare");
    small.args(["--mount", "sh", "-c", SMALL, "256k"]).arg(folder.path());
    small.arg(program.get_program()).args(program.get_args());
    let http = format!("127.0.0.1:{}", pebble.http_port());
    let log = folder.path().with_extension("log");
    let out = fs::File::create(&log).expect("a file for what it says");
    small.args(["--https", "127.0.0.1:0", "--http", &http]).stderr(out);
    small.stdout(std::process::Stdio::null()).stdin(std::process::Stdio::null());
    let running = Running(small.spawn().expect("it starts"));
    held.reached().expect("the certificate is issued");
    // As that process sees it.
    let disk = PathBuf::from(format!("/proc/{}/root{}", running.0.id(), folder.path().display()));
    let full = fs::write(disk.join("filler"), vec![0; 1 << 20]);
    assert!(full.is_err(), "it is full");
    held.release();
    let said = || fs::read_to_string(&log).unwrap_or_default();
    wait_for("the full disk is told", || said().contains("WARN").then_some(()));
    fs::remove_file(disk.join("filler")).expect("there is room");
    wait_for(&format!("the certificate is stored: {}", said()), || {
        let issuers = disk.join("certificates");
        issuers
            .is_dir()
            .then(|| stored(&disk, "full.example"))
            .filter(|all| all.iter().all(|one| one.is_file()))
    });
    assert_eq!(pebble.orders(), 1, "{}", said());
    assert!(!said().contains("panicked") && !said().contains("PRIVATE"), "{}", said());
    drop(fs::remove_file(&log));
}

/// Killed when it is dropped.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
