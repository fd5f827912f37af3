//! Dependencies point downward only: core <- shared <- backends, layers, conformance <- facade <- adapters, CLI.

use crate::metadata::Package;

/// The most third-party crates that the core may name.
const CORE_LIMIT: usize = 8;

/// Where a crate stands. A crate may depend on what stands below it, as `may_use` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Core,
    /// What several backends, or several adapters, have in common.
    Shared,
    Backend,
    Layers,
    /// A certstore as the storage of somebody else's library.
    Adapter,
    Acme,
    Conformance,
    Facade,
    Cli,
    Xtask,
}

fn rank(name: &str) -> Option<Rank> {
    Some(match name {
        "certstore-core" => Rank::Core,
        "certstore-objects" | "certstore-aws" | "certstore-adapter" => Rank::Shared,
        "certstore-layers" => Rank::Layers,
        "certstore-rustls-acme"
        | "certstore-instant-acme"
        | "certstore-certmagic"
        | "certstore-certon" => Rank::Adapter,
        "certstore-acme" => Rank::Acme,
        "certstore-conformance" => Rank::Conformance,
        "certstore" => Rank::Facade,
        "certstore-cli" => Rank::Cli,
        "certstore-bench" | "xtask" => Rank::Xtask,
        name if name.starts_with("certstore-") => Rank::Backend,
        _ => return None,
    })
}

/// Whether a crate is a backend, by its name.
pub(crate) fn is_backend(name: &str) -> bool {
    rank(name) == Some(Rank::Backend)
}

impl Rank {
    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Core => false,
            Self::Backend => matches!(other, Self::Core | Self::Shared),
            // The facade's certificate bundles, without a backend: docs/decisions/0021-adapters-and-bundles.md.
            Self::Adapter => {
                matches!(other, Self::Core | Self::Shared | Self::Layers | Self::Facade)
            }
            Self::Acme => matches!(other, Self::Core | Self::Facade | Self::Adapter),
            Self::Shared | Self::Layers | Self::Conformance => other == Self::Core,
            Self::Facade => matches!(other, Self::Core | Self::Backend | Self::Layers),
            Self::Cli => matches!(
                other,
                Self::Core | Self::Facade | Self::Adapter | Self::Acme | Self::Conformance
            ),
            Self::Xtask => false,
        }
    }

    /// Tests reach for the suite, and for what their own crate reaches for; those of layers and adapters for backends, too.
    fn tests_may_use(self, other: Self) -> bool {
        match self {
            Self::Xtask => true,
            Self::Layers | Self::Adapter if matches!(other, Self::Backend | Self::Facade) => true,
            _ => self.may_use(other) || matches!(other, Self::Core | Self::Conformance),
        }
    }
}

pub(crate) fn check(members: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in members {
        let Some(own) = rank(&package.name) else {
            problems.push(format!(
                "{}: a member of no known rank; name it certstore-SOMETHING",
                package.folder
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(other) = rank(&dependency.name) else { continue };
            let allowed =
                if dependency.dev { own.tests_may_use(other) } else { own.may_use(other) };
            if !allowed {
                let kind = if dependency.dev { " (in tests)" } else { "" };
                problems.push(format!(
                    "{}/Cargo.toml: the edge {} -> {}{kind} points upward or sideways",
                    package.folder, package.name, dependency.name
                ));
            }
        }
        if own == Rank::Core {
            problems.extend(too_many(package));
        }
    }
    problems
}

fn too_many(core: &Package) -> Option<String> {
    let direct = core.dependencies.iter().filter(|dependency| !dependency.dev).count();
    (direct > CORE_LIMIT).then(|| {
        format!("{}/Cargo.toml: {direct} dependencies, the limit is {CORE_LIMIT}", core.folder)
    })
}

#[cfg(test)]
#[path = "edges_tests.rs"]
mod tests;
