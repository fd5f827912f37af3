//! The operations by S3's names.

use std::fmt;

/// Declares [`Op`] with the names of the S3 API.
macro_rules! ops {
    ($($name:ident $writes:literal $permission:literal,)*) => {
        /// An S3 operation, by its name in the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
            /// An operation that the server does not have, or a request that was refused before its operation was
            /// known, such as one with a wrong signature.
            Other,
        }

        impl Op {
            /// The name in the S3 API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other => "Other",
                }
            }

            /// What a policy must allow for it
            /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>).
            #[must_use]
            pub fn permission(self) -> &'static str {
                match self {
                    $(Self::$name => $permission,)*
                    Self::Other => "s3:*",
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

            pub(super) fn from_name(name: &str) -> Self {
                match name {
                    $(stringify!($name) => Self::$name,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

ops! {
    PutObject true "s3:PutObject",
    GetObject false "s3:GetObject",
    HeadObject false "s3:GetObject",
    DeleteObject true "s3:DeleteObject",
    DeleteObjects true "s3:DeleteObject",
    CopyObject true "s3:PutObject",
    ListObjectsV2 false "s3:ListBucket",
    ListObjects false "s3:ListBucket",
    ListObjectVersions false "s3:ListBucketVersions",
    ListBuckets false "s3:ListAllMyBuckets",
    HeadBucket false "s3:ListBucket",
    GetBucketLocation false "s3:GetBucketLocation",
    GetBucketVersioning false "s3:GetBucketVersioning",
    PutBucketVersioning true "s3:PutBucketVersioning",
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
