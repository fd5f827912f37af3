//! Locks: leases over the register.

use certstore_core::forward_locker;

use crate::storage::SecretsManagerStorage;

forward_locker!(SecretsManagerStorage => inner.locker);
