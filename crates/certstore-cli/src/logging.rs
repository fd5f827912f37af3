//! What the libraries log, on the standard error.

use tracing_subscriber::EnvFilter;

/// Warnings by default; more with `-v`, `-vv` and `-vvv`, none with `-q` and for a command that provokes them.
pub(crate) fn start(verbose: u8, quiet: bool, provokes: bool) {
    let level = match (quiet || provokes && verbose == 0, verbose) {
        (true, _) => "off",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let started = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(verbose > 1)
        .without_time()
        .try_init();
    // It fails only where somebody has started logging before: then theirs is in force.
    drop(started);
}
