//! Exists.

use certstore_core::ErrorKind;

use crate::case::{Case, Stop, ensure};
use crate::context::{Context, key};

pub(crate) async fn exists_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    for at in ["top", "dir/value", "dir/deep/er/value"] {
        client.store(&key(at), b"value").await?;
    }
    let at_once = cx.lists_at_once();
    for (client, sees_dirs) in [(&client, true), (&other, at_once)] {
        for there in ["top", "dir/value", "dir/deep/er/value"] {
            ensure!(client.exists(&key(there)).await?, "{there} does not exist");
        }
        for there in ["dir", "dir/deep", "dir/deep/er"].iter().filter(|_| sees_dirs) {
            ensure!(client.exists(&key(there)).await?, "{there} does not exist");
        }
        for neither in ["other", "dir/other", "other/value", "dir/value/below"] {
            ensure!(!client.exists(&key(neither)).await?, "{neither} exists");
        }
    }
    Ok(())
}

pub(crate) async fn exists_2(cx: &Context) -> Case {
    let faulty = cx.factory().open_faulty(&cx.another_namespace()).await?;
    let faulty =
        faulty.ok_or_else(|| Stop::not_supported("the factory cannot make its backend fail"))?;
    for at in ["value", "dir/value", "certificates/local/example.com/example.com.crt"] {
        match faulty.exists(&key(at)).await {
            Err(error) => {
                ensure!(error.kind() != ErrorKind::NotFound, "a fault is reported as {error:?}");
            }
            Ok(answer) => {
                return Err(Stop::failed(format!("a faulty storage answers {answer} for {at}")));
            }
        }
    }
    Ok(())
}
