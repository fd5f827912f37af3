//! An Alibaba Cloud OSS server in this process.
