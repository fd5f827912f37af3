//! Who gives the certificates.

use std::sync::Arc;

use certstore::Storage;
use certstore_acme::{
    Config, ConfigBuilder, InternalIssuer, KeyType, LETS_ENCRYPT_PRODUCTION_CA, is_private_subject,
};
use clap::{Args, ValueEnum};

use super::{CaArgs, DnsArgs};
use crate::exit::Failure;

/// What the internal issuer is called in the storage.
const INTERNAL: &str = "local";

/// Who gives the certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An authority of one's own, in the storage
    Internal,
    /// A CA that speaks ACME
    Acme,
}

/// What private keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keys {
    P256,
    P384,
    /// No public CA takes it, and browsers do not know it
    Ed25519,
    /// For clients that know nothing else
    Rsa2048,
}

impl From<Keys> for KeyType {
    fn from(keys: Keys) -> Self {
        match keys {
            Keys::P256 => Self::P256,
            Keys::P384 => Self::P384,
            Keys::Ed25519 => Self::Ed25519,
            Keys::Rsa2048 => Self::Rsa,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::commands) struct IssuerArgs {
    /// Who gives the certificates [default: internal for names that no public CA knows, else acme]
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<Kind>,
    /// You have read the ACME CA's terms of service and agree to them
    #[arg(long)]
    agree: bool,
    #[command(flatten)]
    ca: CaArgs,
    /// The ACME CA's profile for certificates, as shortlived
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What private keys are made for new certificates
    #[arg(long, value_name = "KIND", default_value = "p256")]
    key_type: Keys,
    #[command(flatten)]
    dns: DnsArgs,
}

/// The issuer that was chosen.
pub(in crate::commands) enum Chosen<'a> {
    Internal(&'a IssuerArgs),
    Acme(&'a IssuerArgs),
}

impl IssuerArgs {
    /// Whether it was said who gives them.
    pub(in crate::commands) fn is_said(&self) -> bool {
        self.issuer.is_some()
    }

    /// # Errors
    /// The issuer cannot give certificates for these names.
    pub(in crate::commands) fn choose(&self, subjects: &[String]) -> Result<Chosen<'_>, Failure> {
        let all_private = subjects.iter().all(|subject| is_private_subject(subject));
        let kind = self.issuer.unwrap_or(if all_private { Kind::Internal } else { Kind::Acme });
        if kind == Kind::Internal {
            return Ok(Chosen::Internal(self));
        }
        let usage = |text: String| Err(Failure::Usage(text));
        if !self.dns.is_said()
            && let Some(wildcard) = subjects.iter().find(|subject| subject.starts_with("*."))
        {
            return usage(format!(
                "{wildcard}: a CA gives wildcards by DNS-01 only; say --dns-server, name the hosts, or use --issuer internal"
            ));
        }
        if self.ca.ca == LETS_ENCRYPT_PRODUCTION_CA
            && let Some(private) = subjects.iter().find(|subject| is_private_subject(subject))
        {
            return usage(format!(
                "{private}: no public CA gives certificates for it; use --issuer internal"
            ));
        }
        if !self.agree {
            return usage(format!(
                "the CA {} wants its terms of service agreed to: read them, and say --agree; or use --issuer internal",
                self.ca.ca
            ));
        }
        Ok(Chosen::Acme(self))
    }
}

impl Chosen<'_> {
    /// Whether somebody out there looks at challenges.
    pub(in crate::commands) fn is_public(&self) -> bool {
        matches!(self, Self::Acme(_))
    }

    /// What the issuer is called in the storage.
    pub(in crate::commands) fn storage_name(&self) -> String {
        match self {
            Self::Internal(_) => INTERNAL.to_owned(),
            Self::Acme(args) => args.ca.ca().issuer().to_owned(),
        }
    }

    /// The authority whose root has to be trusted.
    pub(in crate::commands) fn authority(&self) -> Option<&'static str> {
        matches!(self, Self::Internal(_)).then_some(INTERNAL)
    }

    /// A manager of its certificates, to be given its last options.
    pub(in crate::commands) fn builder(
        &self,
        storage: &Arc<dyn Storage>,
    ) -> Result<ConfigBuilder, Failure> {
        let builder = Config::builder(Arc::clone(storage));
        let args = match self {
            Self::Internal(args) => {
                let issuer = InternalIssuer::new(Arc::clone(storage));
                return Ok(builder.issuer(issuer.with_key_type(args.key_type.into())));
            }
            Self::Acme(args) => args,
        };
        let issuer = args.dns.on(args.ca.issuer(storage)?)?.with_key_type(args.key_type.into());
        Ok(builder.issuer(match &args.profile {
            Some(profile) => issuer.with_profile(profile),
            None => issuer,
        }))
    }
}
