//! This test program as another process: one of its tests, told by the environment what to do.

use std::process::Command;

/// Says to a test that it runs in a child.
pub(crate) const CHILD: &str = "CERTSTORE_GCS_CHILD";

/// The test `name` in a process of its own. What Google's programs look at in the environment is not passed on.
pub(crate) fn command(name: &str, env: impl IntoIterator<Item = (String, String)>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a name"));
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    for name in
        ["GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GOOGLE_CLOUD_QUOTA_PROJECT"]
    {
        command.env_remove(name);
    }
    // Without a home there are no credentials of gcloud's.
    command.env("HOME", "/nonexistent").env(CHILD, "1").envs(env);
    command
}

/// Runs it to its end; it must go well, and must have run at all.
pub(crate) fn run(name: &str, env: impl IntoIterator<Item = (String, String)>) {
    let output = command(name, env).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// Whether this process is such a child.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

pub(crate) fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is given to this child"))
}
