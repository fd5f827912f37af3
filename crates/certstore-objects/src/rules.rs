//! In what backends differ.

use certstore_core::{Key, Result};

use crate::{Listed, ObjectNames};

/// How a backend's objects differ from those of others.
pub trait Rules: Send + Sync {
    /// The longest journal, in bytes: all values of a bundle are in it.
    const MAX_JOURNAL: u64;

    /// The object of a value: prefix and key as they are.
    ///
    /// # Errors
    /// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): there can be no object for this key.
    fn value(&self, names: &ObjectNames, key: &Key) -> Result<String> {
        names.value(key)
    }

    /// Whether an object among the values is none of them and not foreign either: it is in no list, is not counted as
    /// foreign, and stays when the directory that it lies in is deleted.
    fn is_ours(&self, object: &str) -> bool {
        let _ = object;
        false
    }

    /// Whether an object that has a key's name is no value. It is in no list, and counts as foreign. This is asked for
    /// every key of a list that tells its objects, so it can warn of what is odd as well.
    fn is_foreign(&self, key: &Key, object: &Listed) -> bool {
        let _ = (key, object);
        false
    }

    /// The length of the value in a listed object, if that is certain.
    fn size(&self, object: &Listed) -> Option<u64> {
        object.size
    }
}
