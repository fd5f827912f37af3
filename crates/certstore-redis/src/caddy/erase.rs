//! Removing everything under the prefix.

use certstore_core::Result;

use super::names::Names;
use super::register::escaped;
use crate::connection::Connection;
use crate::script::Script;

impl Names {
    /// What the names of all keys begin with, but for the sorted set of the prefix itself.
    fn beginnings(&self) -> [String; 2] {
        [format!("{}/", self.prefix()), self.own("")]
    }
}

/// Removes the values, directories and locks of `prefix`, whoever stored them, and what certstore keeps beside them.
pub(crate) async fn erase(connection: &Connection, prefix: &str) -> Result<()> {
    let names = Names::new(prefix)?;
    let scan = Script::reading(include_str!("scripts/scan.lua"));
    let remove = Script::writing(include_str!("scripts/erase.lua"));
    for beginning in names.beginnings() {
        let pattern = format!("{}*", escaped(&beginning));
        let mut cursor = "0".to_owned();
        loop {
            let args = [cursor.as_bytes(), pattern.as_bytes()];
            let (next, found): (String, Vec<Vec<u8>>) =
                connection.script(&scan, &[names.prefix().as_bytes()], &args).await?;
            let keys: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
            if !keys.is_empty() {
                let count = keys.len().to_string();
                let _: u64 = connection.script(&remove, &keys, &[count.as_bytes()]).await?;
            }
            if next == "0" {
                break;
            }
            cursor = next;
        }
    }
    let steps = names.steps_of_prefix();
    let mut keys = vec![names.prefix().as_bytes()];
    keys.extend(steps.iter().map(|step| step.set.as_bytes()));
    let mut args: Vec<&[u8]> = vec![b"1"];
    args.extend(steps.iter().map(|step| step.member.as_bytes()));
    let _: u64 = connection.script(&remove, &keys, &args).await?;
    Ok(())
}
