//! The scripts of this layout, each one atomic step.

use std::fmt;

use crate::connection::Connection;
use crate::script::Script;

/// The one that a first `stat` should not have to send in full.
const STAT: &str = include_str!("scripts/stat.lua");

/// All of them, with their digests.
pub(super) struct Scripts {
    pub(super) store: Script,
    pub(super) delete: Script,
    pub(super) list: Script,
    pub(super) stat: Script,
    pub(super) claim: Script,
    pub(super) swap: Script,
    pub(super) read: Script,
    pub(super) scan: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            store: Script::writing(include_str!("scripts/store.lua")),
            delete: Script::writing(include_str!("scripts/delete.lua")),
            list: Script::reading(include_str!("scripts/list.lua")),
            stat: Script::reading(STAT),
            claim: Script::writing(include_str!("scripts/claim.lua")),
            swap: Script::writing(include_str!("scripts/swap.lua")),
            read: Script::reading(include_str!("scripts/read.lua")),
            scan: Script::reading(include_str!("scripts/scan.lua")),
        }
    }

    /// Lets the server know the script of `stat`; the others travel with their first call.
    pub(super) async fn load(connection: &Connection) {
        let loaded = connection.call(redis::cmd("SCRIPT").arg("LOAD").arg(STAT)).await;
        if let Err(error) = loaded {
            tracing::debug!(%error, "the script of stat was not loaded; its first call sends it");
        }
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripts(..)")
    }
}
