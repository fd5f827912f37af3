//! The scripts of the tree, ready to run.

use crate::script::Script;

macro_rules! source {
    ($($part:literal),+) => {
        concat!($(include_str!(concat!("../scripts/", $part, ".lua")), "\n"),+)
    };
}

/// One of each.
pub(super) struct Scripts {
    pub(super) store: Script,
    pub(super) overwrite: Script,
    pub(super) store_all: Script,
    pub(super) delete: Script,
    pub(super) delete_value: Script,
    pub(super) stat: Script,
    pub(super) list: Script,
    pub(super) walk: Script,
    pub(super) id: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            store: Script::writing(source!("tree", "fence", "store")),
            overwrite: Script::writing(source!("overwrite")),
            store_all: Script::writing(source!("tree", "fence", "store_all")),
            delete: Script::writing(source!("tree", "delete")),
            delete_value: Script::writing(source!("tree", "fence", "delete_value")),
            stat: Script::reading(source!("stat")),
            list: Script::reading(source!("list")),
            walk: Script::reading(source!("walk")),
            id: Script::writing(source!("id")),
        }
    }
}
