//! The scripts of this layout, each one atomic step.

use std::fmt;

use crate::script::Script;

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
            stat: Script::reading(include_str!("scripts/stat.lua")),
            claim: Script::writing(include_str!("scripts/claim.lua")),
            swap: Script::writing(include_str!("scripts/swap.lua")),
            read: Script::reading(include_str!("scripts/read.lua")),
            scan: Script::reading(include_str!("scripts/scan.lua")),
        }
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripts(..)")
    }
}
