//! Walking. The service lists secrets in the order of their creation, so all names are gathered and sorted before the
//! first is given.

use certstore_core::{Dir, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::storage::Inner;

pub(crate) fn walk<'a>(inner: &'a Inner, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
    let dir = dir.clone();
    let tree = async move {
        let tree = inner.tree(&dir).await?;
        Ok(stream::iter(tree.into_values().map(Ok)))
    };
    stream::once(tree).try_flatten().boxed()
}
