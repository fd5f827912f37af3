//! The operations by the service's names.

use std::fmt;

/// Declares [`Op`] with the names of the API.
macro_rules! ops {
    ($($name:ident $writes:literal,)*) => {
        /// An operation, by its name in the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
            /// An operation that the server does not have, or a request that was refused before its operation was
            /// known, such as one with a wrong signature.
            Other,
        }

        impl Op {
            /// The name in the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other => "Other",
                }
            }

            /// What a policy must allow for it
            /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>).
            #[must_use]
            pub fn permission(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("secretsmanager:", stringify!($name)),)*
                    Self::Other => "secretsmanager:*",
                }
            }

            /// True for what a read-only key may not do; unknown operations count as writes.
            #[must_use]
            pub fn writes(self) -> bool {
                match self {
                    $(Self::$name => $writes,)*
                    Self::Other => true,
                }
            }

            /// Of a header like `secretsmanager.GetSecretValue`.
            pub(super) fn from_target(target: &str) -> Self {
                match target.strip_prefix("secretsmanager.").unwrap_or_default() {
                    $(stringify!($name) => Self::$name,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

ops! {
    CreateSecret true,
    PutSecretValue true,
    UpdateSecret true,
    UpdateSecretVersionStage true,
    DeleteSecret true,
    RestoreSecret true,
    GetSecretValue false,
    BatchGetSecretValue false,
    DescribeSecret false,
    ListSecrets false,
    ListSecretVersionIds false,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
