//! What each backend costs beside the raw calls or the raw client; `cargo xtask bench` runs it (`benches/measure`).
