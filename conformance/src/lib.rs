#![doc = include_str!("../README.md")]

pub mod broken;
mod case;
mod cases;
mod clauses;
mod context;
mod factory;
pub mod fault;
pub mod fuzz;
mod gate;
pub mod history;
mod layered;
mod logs;
#[cfg(feature = "loopback")]
pub mod loopback;
#[cfg(feature = "loopback-gcs")]
pub mod loopback_gcs;
#[cfg(feature = "loopback-oss")]
pub mod loopback_oss;
#[cfg(feature = "loopback-s3")]
pub mod loopback_s3;
#[cfg(feature = "loopback-secretsmanager")]
pub mod loopback_secretsmanager;
mod memory;
mod peer;
#[cfg(any(feature = "loopback", all(unix, feature = "servers")))]
mod port;
mod report;
mod run;
#[cfg(all(unix, feature = "servers"))]
pub mod servers;
#[cfg(unix)]
pub mod soak;
#[cfg(any(feature = "loopback", all(unix, feature = "servers")))]
#[cfg_attr(
    not(all(unix, feature = "servers")),
    expect(unreachable_pub, reason = "with servers it is public there")
)]
mod tools;
mod values;
mod worker;

pub use clauses::{CLAUSES, Clause};
pub use factory::Factory;
pub use gate::Gate;
pub use layered::Layered;
pub use memory::MemoryFactory;
pub use report::{ClauseReport, Counts, Outcome, Report};
pub use run::{Options, REPORTS_ENV, run};
pub use worker::{WORKER_ENV, Worker, run_worker};

#[doc(hidden)]
pub use {run::test_clause, worker::test_worker};

/// Expands to one test per clause, named after it (`store_4`), and the worker that some of them start in other
/// processes.
///
/// The expression gives the [`Factory`]; it is evaluated once a test, and in every worker process.
///
/// ```
/// certstore_conformance::conformance!(certstore_conformance::MemoryFactory::new());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance {
    ($factory:expr $(,)?) => {
        $crate::__for_each_clause! { [$crate::__conformance_tests] [$factory] }
    };
}

/// Expands to a test that lets several clients lock, store and load, and judges their [`history`](mod@history).
///
/// ```
/// certstore_conformance::history!(certstore_conformance::MemoryFactory::new());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! history {
    ($factory:expr $(,)?) => {
        /// Some order of the operations explains what every client saw.
        #[test]
        fn the_history_is_linearizable() {
            $crate::history::test($factory);
        }
    };
}

/// Expands to a test that lets processes share locks while some are killed and some stopped ([`soak`](mod@soak)), and
/// the worker that it starts. Put it in a test file of its own, `tests/soak.rs`.
///
/// The expression gives the [`Factory`]; it is evaluated once, and in every worker process.
///
/// ```
/// certstore_conformance::soak!(certstore_conformance::MemoryFactory::new());
/// # fn main() {}
/// ```
#[cfg(unix)]
#[macro_export]
macro_rules! soak {
    ($factory:expr $(,)?) => {
        /// No two hold a lock, no older holder writes, every value is explained, everybody gets on.
        #[test]
        fn locks_endure_kills_and_stops() {
            $crate::soak::test($factory, ::core::module_path!());
        }

        /// One of the processes above; idle in an ordinary run.
        #[test]
        fn certstore_conformance_worker() {
            $crate::test_worker(|| $factory);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$factory:expr] $($test:ident $id:literal $topic:ident $need:ident $pace:ident $title:literal;)*) => {
        $(
            #[doc = $title]
            #[test]
            fn $test() {
                $crate::test_clause($id, $factory, ::core::module_path!());
            }
        )*

        /// Serves the cases above from another process; idle in an ordinary run.
        #[test]
        fn certstore_conformance_worker() {
            $crate::test_worker(|| $factory);
        }
    };
}
