//! The faults, by names that all services share.

use certstore_core::ErrorKind;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strike {
    /// The connection breaks before anything is done.
    RequestLost,
    /// The request is done, and the connection breaks.
    ReplyLost,
    /// A request on a condition is done, and then seems to have met itself: 412, or what the service says then.
    AgainstItself,
    /// Another write is under way: 409.
    Conflict,
    /// Too many requests: 429, or what the service says then.
    TooMany,
    /// 500, nothing is done.
    Failed,
    /// 500, although the request is done.
    FailedAfter,
    /// 503, nothing is done.
    Unavailable,
    /// Half of the reply's body arrives.
    Truncated,
    /// The session token has expired.
    TokenExpired,
    /// The client's clock is too far from the server's.
    ClockSkewed,
}

impl Strike {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::RequestLost,
        Self::ReplyLost,
        Self::AgainstItself,
        Self::Conflict,
        Self::TooMany,
        Self::Failed,
        Self::FailedAfter,
        Self::Unavailable,
        Self::Truncated,
        Self::TokenExpired,
        Self::ClockSkewed,
    ];

    /// Whether it strikes requests on a condition only.
    pub(super) fn is_conditional(self) -> bool {
        matches!(self, Self::AgainstItself | Self::Conflict)
    }

    /// What a caller may be told.
    pub(super) fn kinds(self) -> &'static [ErrorKind] {
        match self {
            Self::TokenExpired | Self::ClockSkewed => &[ErrorKind::PermissionDenied],
            // Who seems to have lost against another is told to read again.
            Self::AgainstItself => &[ErrorKind::Unavailable, ErrorKind::Conflict],
            _ => &[ErrorKind::Unavailable],
        }
    }

    /// Whether the service says clearly that it has done nothing.
    pub(super) fn is_definite(self) -> bool {
        matches!(self, Self::Conflict | Self::TooMany | Self::TokenExpired | Self::ClockSkewed)
    }

    /// Whether nothing is done, whatever the client learns of that.
    pub(super) fn does_nothing(self) -> bool {
        self.is_definite() || matches!(self, Self::RequestLost | Self::Failed | Self::Unavailable)
    }
}
