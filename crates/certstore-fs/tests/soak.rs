//! Locks on files under fire, and what several clients see.

mod support;

use support::FsFactory;

certstore_conformance::soak!(FsFactory);
certstore_conformance::history!(FsFactory);
