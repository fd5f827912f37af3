//! Processes that race for one lock: what one adds under it, no other overwrites.

use certstore_core::{Locker as _, Storage as _};

use crate::child;
use crate::rig::{Rig, key, name, open, soon};
use crate::site::Site;

const PROCESSES: usize = 2;
const ROUNDS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_race_for_a_lock_and_lose_nothing() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("counter"), b"0").await.unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            let mut command = child::command("race::a_racer", rig.server.worker_env());
            command.stdout(std::process::Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    for child in children {
        let done = tokio::task::spawn_blocking(|| child.wait_with_output());
        let output = done.await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let total = (PROCESSES * ROUNDS).to_string();
    assert_eq!(storage.load(&key("counter")).await.unwrap(), total);
    // Plain writes: had two been in at once, an addition would be lost.
    let requests = rig.server.requests();
    let conflicts = requests.iter().filter(|request| request.status == 412);
    assert!(conflicts.count() > 2, "they met at the record");
}

/// One of the processes above; idle in an ordinary run.
#[tokio::test]
async fn a_racer() {
    if !child::is_child() {
        return;
    }
    let text = |name: &str| child::env(&format!("LOOPBACK_GCS_{name}"));
    let site = Site { endpoint: text("ENDPOINT"), bucket: text("BUCKET"), token: text("TOKEN") };
    let mut config = site.config("p");
    config.handovers = 0;
    let storage = open(&config).await;
    for _ in 0..ROUNDS {
        let held = soon(storage.lock(&name("counter"))).await.unwrap();
        let value = storage.load(&key("counter")).await.unwrap();
        let count: usize = std::str::from_utf8(&value).unwrap().parse().unwrap();
        storage.store(&key("counter"), (count + 1).to_string().as_bytes()).await.unwrap();
        held.check().unwrap();
        soon(held.unlock()).await.unwrap();
    }
}
