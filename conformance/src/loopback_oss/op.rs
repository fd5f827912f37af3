//! The operations by OSS's names.

use std::fmt;

/// Declares [`Op`] with the names of the OSS API.
macro_rules! ops {
    ($($name:ident $writes:literal $permission:literal,)*) => {
        /// An OSS operation, by its name in the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
            /// An operation that the server does not have, or a request whose signature was refused.
            Other,
        }

        impl Op {
            /// The name in the OSS API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other => "Other",
                }
            }

            /// What a policy must allow for it
            /// (<https://www.alibabacloud.com/help/en/oss/user-guide/ram-policy-overview>): an append is a put, a batch
            /// of deletes is deletes, and a list needs no more than `oss:ListObjects`.
            #[must_use]
            pub fn permission(self) -> &'static str {
                match self {
                    $(Self::$name => $permission,)*
                    Self::Other => "oss:*",
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
        }
    };
}

ops! {
    PutObject true "oss:PutObject",
    AppendObject true "oss:PutObject",
    GetObject false "oss:GetObject",
    HeadObject false "oss:GetObject",
    GetObjectMeta false "oss:GetObject",
    DeleteObject true "oss:DeleteObject",
    DeleteMultipleObjects true "oss:DeleteObject",
    ListObjectsV2 false "oss:ListObjects",
    ListObjects false "oss:ListObjects",
    GetBucketVersioning false "oss:GetBucketVersioning",
    PutBucketVersioning true "oss:PutBucketVersioning",
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
