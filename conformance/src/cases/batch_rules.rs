//! Bundles: what is refused.

use certstore_core::{ErrorKind, Key};

use crate::case::{Case, ensure, refused, same};
use crate::context::{Context, key};

pub(crate) async fn batch_4(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (a, b, elsewhere) = (key("bundle/a"), key("bundle/b"), key("elsewhere/c"));
    let bad: [(&str, Vec<&Key>); 4] = [
        ("no keys", Vec::new()),
        ("a key twice", vec![&a, &b, &a]),
        ("keys of two directories", vec![&a, &elsewhere]),
        ("a key of the directory above", vec![&a, &elsewhere, &b]),
    ];
    for (what, keys) in bad {
        let items: Vec<(&Key, &[u8])> = keys.iter().map(|key| (*key, &b"x"[..])).collect();
        refused(
            &format!("store of {what}"),
            client.store_all(&items).await,
            ErrorKind::InvalidKey,
        )?;
        refused(
            &format!("load of {what}"),
            client.load_bundle(&keys).await,
            ErrorKind::InvalidKey,
        )?;
        for at in [&a, &b, &elsewhere] {
            ensure!(!client.exists(at).await?, "a refused store of {what} wrote {at}");
        }
    }
    Ok(())
}

pub(crate) async fn batch_5(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (a, b, missing) = (key("bundle/a"), key("bundle/b"), key("bundle/missing"));
    client.store_all(&[(&a, b"1"), (&b, b"2")]).await?;
    for keys in [[&a, &b, &missing], [&missing, &a, &b], [&a, &missing, &b]] {
        let error = refused(
            "a bundle with a missing key",
            client.load_bundle(&keys).await,
            ErrorKind::NotFound,
        )?;
        same("the key that the error names", &error.subject(), &Some(missing.as_str()))?;
    }
    Ok(())
}
