//! The one table: every clause of the contract with its case. The suite and the macro are both made from it.

use certstore_core::{Batch, Capabilities, Cas, Fence, VersionKind};
use futures_util::future::BoxFuture;

use crate::case::Case;
use crate::cases;
use crate::context::Context;

/// One clause of the contract and its case.
#[non_exhaustive]
pub struct Clause {
    /// The clause's number, as in the documentation of `certstore-core`: `STORE-4`.
    pub id: &'static str,
    /// The name of its test: `store_4`.
    pub test: &'static str,
    /// The clause in one sentence.
    pub title: &'static str,
    /// Whether the case takes more than a moment, because it outlives leases or writes very much.
    pub slow: bool,
    /// Whether nothing else may run beside it.
    pub(crate) alone: bool,
    /// `Err` says which capability is missing.
    pub(crate) needs: fn(&Capabilities) -> Result<(), String>,
    pub(crate) run: for<'a> fn(&'a Context) -> BoxFuture<'a, Case>,
}

impl std::fmt::Debug for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clause")
            .field("id", &self.id)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// Calls a macro with `[extra]` and a row a clause: test, number, module of the case, need, pace, sentence.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_clause {
    ([$($callback:tt)*] [$($extra:tt)*]) => {
        $($callback)*! { [$($extra)*]
            key_1 "KEY-1" key always fast "Valid keys work as they are spelled; any other is refused, naming the rule.";
            key_2 "KEY-2" key always fast "A prefix is whole components.";
            key_3 "KEY-3" key always fast "The first component `locks` is reserved, and no other.";
            key_4 "KEY-4" key always fast "A key is a value or a directory, never both, unless declared.";
            key_5 "KEY-5" key always fast "The longest legal key works, or its refusal names the limit.";
            store_1 "STORE-1" store always fast "Any bytes are kept as they are.";
            store_2 "STORE-2" store always fast "A store replaces the old value whole.";
            store_3 "STORE-3" store always fast "Values of 64 KiB and 1 MiB work; one over the limit leaves the old value.";
            store_4 "STORE-4" store_races always fast "A reader sees the old or the new value, never a mix or a cut.";
            store_5 "STORE-5" store_races always fast "Of concurrent stores one wins whole.";
            store_6 "STORE-6" store versions fast "The version of a store is the one that reads then give.";
            store_7 "STORE-7" store_races always fast "A store dropped at any await leaves the old value or the new one.";
            cas_1 "CAS-1" cas cas_any fast "`Absent` creates a value where there is none.";
            cas_2 "CAS-2" cas cas_any fast "`Absent` on an existing value is a conflict and writes nothing.";
            cas_3 "CAS-3" cas cas_full fast "`Version` writes over the value of that version.";
            cas_4 "CAS-4" cas cas_full fast "Any other version, or no value, is a conflict and writes nothing.";
            cas_5 "CAS-5" cas cas_any fast "Of 32 tasks that create the same key, one succeeds.";
            cas_6 "CAS-6" cas cas_full fast "Of 32 tasks that write over the same version, one succeeds.";
            cas_7 "CAS-7" cas counters fast "A version never becomes valid again.";
            fence_1 "FENCE-1" fence fence fast "The holder of a lock stores and overwrites under it.";
            fence_2 "FENCE-2" fence fence fast "An older holder's write is fenced once a newer one has written.";
            fence_3 "FENCE-3" fence fence fast "Also when the newer holder wrote the very bytes that were there.";
            fence_4 "FENCE-4" fence fence fast "A write under another lock name goes through and stamps anew.";
            fence_5 "FENCE-5" fence fence fast "So does a write under another locker.";
            fence_6 "FENCE-6" fence fence_strict fast "A write is fenced as soon as a newer holder has the lock.";
            fence_7 "FENCE-7" fence fence fast "A plain store clears the stamp.";
            fence_8 "FENCE-8" fence fence fast "A fenced delete obeys the newest holder only.";
            fence_9 "FENCE-9" fenced_batch fence fast "The holder of a lock stores a bundle under it, with its stamp on each key.";
            fence_10 "FENCE-10" fenced_batch fence fast "An older holder's bundle is fenced once a newer one has written any key.";
            fence_11 "FENCE-11" fenced_batch fence fast "A holder overtaken in the middle of a bundle mixes nothing into the newer one.";
            batch_1 "BATCH-1" batch always fast "After a batch store, every value is stored.";
            batch_2 "BATCH-2" batch always fast "A bundle is all old or all new, whatever was interrupted.";
            batch_3 "BATCH-3" batch batch_atomic fast "Plain loads, too, see all of a batch or nothing.";
            batch_4 "BATCH-4" batch_rules always fast "Bad sets of keys are refused, and nothing is written.";
            batch_5 "BATCH-5" batch_rules always fast "A missing key of a bundle is not found, and named.";
            load_1 "LOAD-1" load always fast "Every client gets the value of the last completed store.";
            load_2 "LOAD-2" load always fast "A missing key is not found.";
            load_3 "LOAD-3" load always fast "A directory is not found.";
            load_4 "LOAD-4" load versions fast "Value and version belong together, also while others write.";
            load_5 "LOAD-5" load always fast "Many results stand in the order of their keys; one may fail alone.";
            delete_1 "DELETE-1" delete always fast "After a delete there is no value at the key and nothing below.";
            delete_2 "DELETE-2" delete always fast "Deleting what is not there is fine.";
            delete_3 "DELETE-3" delete always fast "A directory goes with its whole subtree.";
            delete_4 "DELETE-4" delete always fast "Neighbours stay.";
            delete_5 "DELETE-5" delete always fast "A directory whose last value was deleted exists no more.";
            deleteif_1 "DELETEIF-1" delete cas_full fast "Deletes the value of that version, and nothing below.";
            deleteif_2 "DELETEIF-2" delete cas_full fast "Any other version, or no value, is a conflict.";
            exists_1 "EXISTS-1" exists always fast "True for a value and a directory, false for neither.";
            exists_2 "EXISTS-2" exists always fast "A fault of the storage is an error, never `false`.";
            list_1 "LIST-1" list always fast "Not recursive: the immediate children, values and directories.";
            list_2 "LIST-2" list always fast "Recursive: all values and all directories below.";
            list_3 "LIST-3" list always fast "Keys are relative to the storage, sorted bytewise, none twice.";
            list_4 "LIST-4" list always fast "The root may be listed; an empty store gives an empty list.";
            list_5 "LIST-5" list always fast "A missing directory is not found.";
            list_6 "LIST-6" list always fast "A value gives an empty list.";
            list_7 "LIST-7" list always slow "A list of 2,500 keys is complete.";
            list_8 "LIST-8" list always fast "Lock records, journals and temporary files never show.";
            list_9 "LIST-9" list always fast "Only whole components count.";
            walk_1 "WALK-1" walk always fast "A walk gives the keys of a recursive list with what `stat` tells.";
            walk_2 "WALK-2" walk always fast "A missing directory is one error: not found.";
            stat_1 "STAT-1" stat always fast "A value is terminal, with its size and version where known.";
            stat_2 "STAT-2" stat always fast "A directory is not terminal.";
            stat_3 "STAT-3" stat always fast "A missing key is not found.";
            stat_4 "STAT-4" stat always fast "`modified` is the time of the last store.";
            watch_1 "WATCH-1" watch watch fast "Stores and deletes below the directory are reported, no others.";
            lock_1 "LOCK-1" exclusion always fast "At most one task holds a name, among all clients of a process.";
            lock_2 "LOCK-2" exclusion processes fast "At most one process holds a name.";
            lock_3 "LOCK-3" tokens always slow "Tokens of a name grow from holder to holder.";
            lock_4 "LOCK-4" tokens always fast "Tokens grow over a restart of every process.";
            lock_5 "LOCK-5" lock always fast "Dropping the future of a lock at any await leaves no lock.";
            lock_6 "LOCK-6" lock always fast "Dropping the guard releases the lock.";
            lock_7 "LOCK-7" lock always fast "Any valid name works, independent of others.";
            lock_8 "LOCK-8" takeover always slow "The lock of a killed holder is taken over.";
            lock_9 "LOCK-9" takeover always slow "A holder paused beyond its lease has lost the lock for good.";
            lock_10 "LOCK-10" lock always fast "Within a process, waiters are served in the order they came.";
            trylock_1 "TRYLOCK-1" trylock always fast "A try returns at once: the guard, or none.";
            trylock_2 "TRYLOCK-2" takeover always slow "Repeated tries take over a dead holder.";
            locks_1 "LOCKS-1" breaking always fast "A held lock is shown with its token, a released one is not.";
            break_1 "BREAK-1" breaking always fast "Breaks the lock of exactly that token.";
            break_2 "BREAK-2" breaking always slow "A living holder learns that its lock was broken.";
            unlock_1 "UNLOCK-1" unlock always fast "After an unlock the next holder can have the lock.";
            unlock_2 "UNLOCK-2" unlock always fast "Unlocking what was lost is an error and frees nobody else's lock.";
            unlock_3 "UNLOCK-3" unlock always fast "An unlock works although the caller is being cancelled.";
            lost_1 "LOST-1" takeover always slow "A lost lock says so before anyone else can hold it, for good.";
            lost_2 "LOST-2" takeover always slow "A living holder keeps its lock over several leases.";
            secret_1 "SECRET-1" secret always alone "Credentials appear in no text and no log.";
            error_1 "ERROR-1" error always fast "An error is one line that does not repeat its source.";
            error_2 "ERROR-2" error always fast "An error names the operation, the key or lock, and the backend.";
            cap_1 "CAP-1" capability always fast "What is declared works; what is not is refused without a trace.";
            cap_2 "CAP-2" capability always fast "Declarations do not change.";
            cost_1 "COST-1" cost always alone "One round trip for each plain operation and each warm lock step.";
        }
    };
}

macro_rules! table {
    ([] $($test:ident $id:literal $topic:ident $need:ident $pace:ident $title:literal;)*) => {
        /// Every clause of the contract, in the order of the report.
        pub static CLAUSES: &[Clause] = &[$(Clause {
            id: $id,
            test: stringify!($test),
            title: $title,
            slow: matches!(Pace::$pace, Pace::slow),
            alone: matches!(Pace::$pace, Pace::alone),
            needs: needs::$need,
            run: |context| Box::pin(cases::$topic::$test(context)),
        }),*];
    };
}

/// How a case runs; named as in the table.
#[expect(non_camel_case_types, reason = "the table's own words")]
enum Pace {
    fast,
    slow,
    alone,
}

__for_each_clause! { [table] [] }

/// What a case needs of the declared capabilities, else why it does not run.
mod needs {
    use super::{Batch, Capabilities, Cas, Fence, VersionKind};
    use certstore_core::Shared;

    fn lacks(has: bool, why: &str) -> Result<(), String> {
        if has { Ok(()) } else { Err(why.to_owned()) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one signature for the whole table")]
    pub(super) fn always(_: &Capabilities) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn cas_any(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.cas != Cas::None, "the backend declares cas: None")
    }

    pub(super) fn cas_full(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.cas == Cas::Full, "the backend does not declare cas: Full")
    }

    pub(super) fn versions(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.version != VersionKind::None, "the backend declares version: None")
    }

    pub(super) fn counters(capabilities: &Capabilities) -> Result<(), String> {
        lacks(
            capabilities.version == VersionKind::Counter,
            "the backend does not declare version: Counter",
        )
    }

    pub(super) fn fence(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.fence != Fence::None, "the backend declares fence: None")
    }

    pub(super) fn fence_strict(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.fence == Fence::Strict, "the backend does not declare fence: Strict")
    }

    pub(super) fn batch_atomic(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.batch == Batch::Atomic, "the backend does not declare batch: Atomic")
    }

    pub(super) fn watch(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.watch, "the backend declares watch: false")
    }

    pub(super) fn processes(capabilities: &Capabilities) -> Result<(), String> {
        lacks(capabilities.shared != Shared::Process, "the backend declares shared: Process")
    }
}
