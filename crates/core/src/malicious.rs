//! The adversary that builds what an honest peer never would. In-crate and for tests only, so that no feature of the
//! library opens a private key.

mod signed;

pub(crate) use signed::{device_cert, directory, group_state, issuer_cert, manifest, record, truncated};
