//! The operations by OSS's names.

use std::fmt;

/// Declares [`Op`] with the names of the OSS API.
macro_rules! ops {
    ($($name:ident $writes:literal,)*) => {
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
    PutObject true,
    AppendObject true,
    GetObject false,
    HeadObject false,
    GetObjectMeta false,
    DeleteObject true,
    DeleteMultipleObjects true,
    ListObjectsV2 false,
    ListObjects false,
    GetBucketVersioning false,
    PutBucketVersioning true,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
