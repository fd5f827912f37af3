//! The operations, one name for JSON and gRPC.

use std::fmt;

/// Declares [`Op`].
macro_rules! ops {
    ($($name:ident $writes:literal $permission:literal $what:literal,)*) => {
        /// An operation of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $(#[doc = $what] $name,)*
        }

        impl Op {
            /// The name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What a role must hold for it
            /// (<https://cloud.google.com/storage/docs/access-control/iam-json>). To overwrite takes
            /// `storage.objects.delete` as well.
            #[must_use]
            pub fn permission(self) -> &'static str {
                match self {
                    $(Self::$name => $permission,)*
                }
            }

            /// True for what a read-only token may not do; unknown operations count as writes.
            #[must_use]
            pub fn writes(self) -> bool {
                match self {
                    $(Self::$name => $writes,)*
                }
            }
        }
    };
}

ops! {
    InsertObject true "storage.objects.create" "An upload in one request: `multipart` or `media`.",
    StartUpload true "storage.objects.create" "The first request of a resumable upload.",
    ContinueUpload true "storage.objects.create" "A later request of a resumable upload: bytes, or a question how far it is.",
    ReadObject false "storage.objects.get" "An object's bytes.",
    GetObject false "storage.objects.get" "An object's metadata.",
    ListObjects false "storage.objects.list" "A page of a list.",
    DeleteObject true "storage.objects.delete" "A delete.",
    UpdateObject true "storage.objects.update" "A change of an object's metadata.",
    GetBucket false "storage.buckets.get" "A bucket's metadata.",
    GiveToken false "" "A token from the OAuth endpoint or the metadata server; no request of the API.",
    Other true "" "Whatever the server does not have.",
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
