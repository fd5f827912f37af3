//! The binary `certstore`; everything is in the library beside it.

fn main() -> std::process::ExitCode {
    certstore_cli::run()
}
