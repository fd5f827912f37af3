//! Stores that are each wrong in one clause: they show that the suite sees what it says it sees.
//!
//! Every one is a [`MemoryStorage`](certstore_core::MemoryStorage) with one fault. The suite must fail the clause of
//! that fault and no other.

mod batches;
mod bundles;
mod capabilities;
mod conditional;
mod deletes;
mod errors;
mod factory;
mod fault;
mod fences;
mod guards;
mod holders;
mod keys;
mod lists;
mod loads;
mod locks;
mod stats;
mod store;
mod stores;

use std::fmt;
use std::sync::Arc;

pub use factory::BrokenFactory;

use fault::Fault;

/// One way to be wrong.
pub struct Broken {
    /// The clause that it breaks.
    pub clause: &'static str,
    /// What it does.
    pub what: &'static str,
    make: fn() -> Arc<dyn Fault>,
}

impl Broken {
    /// A factory of stores with this fault.
    #[must_use]
    pub fn factory(&self) -> BrokenFactory {
        BrokenFactory::new(self.clause, (self.make)())
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broken")
            .field("clause", &self.clause)
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

macro_rules! broken {
    ($($clause:literal $module:ident::$fault:ident $what:literal;)*) => {
        /// A fault for every clause that a store can break alone.
        pub static BROKEN: &[Broken] = &[$(Broken {
            clause: $clause,
            what: $what,
            make: || Arc::<$module::$fault>::default(),
        }),*];
    };
}

broken! {
    "KEY-1" keys::FoldsCase "keeps keys in lower case";
    "KEY-2" keys::ExistsByPrefix "takes any text that a key starts with for a directory";
    "KEY-3" keys::HidesLocks "leaves every key with a component `locks` out of lists";
    "KEY-4" keys::SwallowsConflicts "drops a store below a value and calls it done";
    "KEY-5" keys::ShortKeys "fails on keys of over 500 bytes without saying why";
    "STORE-1" stores::EmptyIsNothing "takes an empty value for none";
    "STORE-2" stores::KeepsTail "writes a single byte over the old value without cutting it";
    "STORE-3" stores::SmallValues "refuses values of over 100,000 bytes";
    "STORE-4" stores::TearsUnderLoad "shows half of a value while two writers are at it";
    "STORE-5" stores::AllLose "lets every store of a race lose";
    "STORE-6" stores::OtherVersion "returns a version that no read gives";
    "STORE-7" stores::HalfWhenDropped "leaves half a value when a store is dropped";
    "CAS-1" conditional::Tombstones "never creates again what was deleted";
    "CAS-2" conditional::OverwritesAndRefuses "writes what it refuses to create";
    "CAS-3" conditional::StaleVersion "returns the version before the write";
    "CAS-4" conditional::CreatesOnVersion "takes no value for any version";
    "CAS-5" conditional::ChecksThenCreates "looks first and creates later";
    "CAS-6" conditional::ChecksThenWrites "looks first and writes later";
    "CAS-7" conditional::ContentVersions "declares counters and gives digests";
    "FENCE-1" fences::OneWrite "lets a holder write a key once";
    "FENCE-2" fences::LetsOlderWrite "lets an older holder write over a newer one's value";
    "FENCE-3" fences::ComparesContent "takes equal bytes for an untouched value";
    "FENCE-4" fences::OneName "fences every other lock name";
    "FENCE-5" fences::OneLocker "fences every other locker";
    "FENCE-6" fences::NotStrict "fences only once the newer holder has written";
    "FENCE-7" fences::KeepsStamp "keeps the stamp over a plain store";
    "FENCE-8" fences::LetsOlderDelete "lets an older holder delete";
    "FENCE-9" bundles::NoStamp "stores a bundle under a lock without its stamp";
    "FENCE-10" bundles::LetsOlderBundle "lets an older holder's bundle over a newer one's value";
    "FENCE-11" bundles::MixesWhenOvertaken "lets a holder who is overtaken in its bundle go on";
    "BATCH-1" batches::ThreeAtMost "keeps three values of a batch at most";
    "BATCH-2" batches::MixesWhenDropped "mixes bundles when a batch is dropped";
    "BATCH-3" batches::ShowsFirstEarly "shows the first value of a batch early";
    "BATCH-4" batches::AnyDirectory "takes keys of several directories";
    "BATCH-5" batches::NamesFirst "names the first key, whichever is missing";
    "LOAD-1" loads::HotCache "keeps what was loaded three times";
    "LOAD-2" loads::MissingIsOther "reports a missing key as some error";
    "LOAD-3" loads::DirectoryIsEmpty "loads a directory as an empty value";
    "LOAD-4" loads::VersionLater "reads the version after the value";
    "LOAD-5" loads::Reversed "gives many results in reverse";
    "DELETE-1" deletes::KeepsTopLevel "keeps values of the root";
    "DELETE-2" deletes::MissingFails "fails on what is not there";
    "DELETE-3" deletes::OneLevel "deletes one level of a directory";
    "DELETE-4" deletes::ByText "deletes every key that starts with the text";
    "DELETE-5" deletes::GhostDirectories "keeps directories whose last value is gone";
    "DELETEIF-1" deletes::IfKeeps "keeps what it deletes by version";
    "DELETEIF-2" deletes::IfAlways "deletes whatever the version";
    "EXISTS-1" stats::NoDirectories "knows no directories";
    "EXISTS-2" stats::FaultIsAbsence "answers a fault with `false`";
    "LIST-1" lists::OnlyValues "leaves directories out of a plain list";
    "LIST-2" lists::OnlyValuesBelow "leaves directories out of a recursive list";
    "LIST-3" lists::Backwards "lists backwards";
    "LIST-4" lists::EmptyRootMissing "finds no root in an empty store";
    "LIST-5" lists::MissingIsEmpty "lists a missing directory as empty";
    "LIST-6" lists::ValueListsItself "lists a value as its own content";
    "LIST-7" lists::FirstPage "lists the first thousand";
    "LIST-8" lists::ShowsLocks "shows lock records";
    "LIST-9" lists::ByText "lists every key that starts with the text";
    "WALK-1" stats::WalkAddsByte "walks with sizes of its own";
    "WALK-2" stats::WalkOfNothing "walks a missing directory as an empty one";
    "STAT-1" stats::AddsByte "adds a byte to every size";
    "STAT-2" stats::TerminalDirectories "takes directories for values";
    "STAT-3" stats::MissingIsOther "reports a missing key as some error";
    "STAT-4" stats::Epoch "dates every store to 1970";
    "WATCH-1" stats::WatchesAll "reports changes of the whole store";
    "LOCK-1" locks::Crowded "lets the sixth waiter in";
    "LOCK-2" locks::OwnProcessOnly "locks within the process, and declares the host";
    "LOCK-3" locks::SameToken "gives a client its last token again";
    "LOCK-4" locks::RestartsTokens "starts tokens anew with the store";
    "LOCK-5" locks::KeepsForDropped "keeps the lock for whoever has gone";
    "LOCK-6" holders::DropOutside "releases only what is dropped inside the runtime";
    "LOCK-7" locks::AsciiNames "locks ASCII names only";
    "LOCK-8" locks::WaitsForDead "waits for dead holders";
    "LOCK-9" fences::LetsLostWrite "lets the holder of a lost lock write";
    "LOCK-10" locks::LastFirst "serves the last waiter first";
    "TRYLOCK-1" locks::TryWaits "lets a try of a client's own lock wait";
    "TRYLOCK-2" locks::TryForgets "forgets between tries what it has seen";
    "LOCKS-1" locks::NoTokens "shows locks without tokens";
    "BREAK-1" locks::BreaksAny "breaks with any token";
    "BREAK-2" holders::HidesBreak "does not tell a holder that its lock was broken";
    "UNLOCK-1" holders::UnlocksLater "says that it has unlocked, and does it later";
    "UNLOCK-2" holders::FreesOthers "frees whoever holds the lock";
    "UNLOCK-3" holders::StopsWithCaller "stops unlocking when the caller has gone";
    "LOST-1" holders::LostUnsaid "does not signal that the deadline has come";
    "LOST-2" holders::NotRenewed "loses every lock after one and a half leases";
    "SECRET-1" errors::ShowsPassword "shows its password";
    "ERROR-1" errors::RepeatsSource "repeats the source in the message";
    "ERROR-2" errors::NamesNoBackend "does not name the backend";
    "CAP-1" capabilities::UndeclaredWatch "watches, and declares that it cannot";
    "CAP-2" capabilities::Wavers "declares something else every time";
    "COST-1" capabilities::TwiceTheTrips "asks twice";
}
