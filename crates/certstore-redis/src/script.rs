//! Scripts that run in the server: each is one atomic step.

use redis::Cmd;

use crate::error::Effect;

/// A script with its digest: sent by digest, and in full where the server does not know it.
pub(crate) struct Script {
    source: &'static str,
    digest: String,
    effect: Effect,
}

impl Script {
    /// A script that may change something.
    pub(crate) fn writing(source: &'static str) -> Self {
        Self::new(source, Effect::Write)
    }

    /// A script that only reads.
    pub(crate) fn reading(source: &'static str) -> Self {
        Self::new(source, Effect::Read)
    }

    fn new(source: &'static str, effect: Effect) -> Self {
        let digest = redis::Script::new(source).get_hash().to_owned();
        Self { source, digest, effect }
    }

    pub(crate) fn effect(&self) -> Effect {
        self.effect
    }

    /// The call by digest.
    pub(crate) fn by_digest(&self, keys: &[&[u8]], args: &[&[u8]]) -> Cmd {
        invocation("EVALSHA", &self.digest, keys, args)
    }

    /// The call with the whole source, which the server then remembers.
    pub(crate) fn in_full(&self, keys: &[&[u8]], args: &[&[u8]]) -> Cmd {
        invocation("EVAL", self.source, keys, args)
    }
}

fn invocation(name: &str, script: &str, keys: &[&[u8]], args: &[&[u8]]) -> Cmd {
    let mut cmd = redis::cmd(name);
    cmd.arg(script).arg(keys.len());
    for part in keys.iter().chain(args) {
        cmd.arg(*part);
    }
    cmd
}
