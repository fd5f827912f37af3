//! The task that keeps a held lock: refreshes the lock file, and learns of losses and requests to break.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::held::{Held, Look};
use super::peer_file::REFRESH;
use super::takeover::SETTLE;

/// Most locks are given back before this: only what is held for longer is watched.
const SHORT: Duration = Duration::from_millis(20);

/// The pause after a refresh that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps `held` until it is given back or lost.
pub(super) async fn keep(held: Arc<Held>) {
    let clock = held.shared.clock.clone();
    let mut due = clock.boottime() + REFRESH;
    clock.sleep(SHORT).await;
    let files = [held.names.lock.as_str(), held.names.mark.as_str()];
    let events = held.shared.wake.subscribe(&held.dir, &files);
    loop {
        let mut look = settled(&held, held.look());
        let now = clock.boottime();
        if look == Look::Unproven || (look == Look::Ours && now >= due) {
            look = refresh(&held).await;
            due = now + if look == Look::Ours { REFRESH } else { RETRY };
        }
        if look == Look::Over {
            return;
        }
        tokio::select! {
            () = events.changed() => {}
            () = clock.sleep(due.saturating_sub(clock.boottime())) => {}
        }
    }
}

/// Refreshes; after too long a pause, proves that no Go process has taken the lock in the meantime.
async fn refresh(held: &Held) -> Look {
    let look = settled(held, held.refresh());
    if look != Look::Unproven {
        return look;
    }
    held.shared.clock.sleep(SETTLE).await;
    settled(held, held.prove())
}

fn settled(held: &Held, look: io::Result<Look>) -> Look {
    look.unwrap_or_else(|error| {
        tracing::warn!(lock = %held.names.stem, %error, "a held lock could not be refreshed");
        held.fail(&error)
    })
}
