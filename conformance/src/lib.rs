//! The certstore contract, executable.
