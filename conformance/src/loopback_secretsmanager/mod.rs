//! An AWS Secrets Manager server in this process.
