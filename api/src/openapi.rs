//! Stub.
/// Y.
pub fn yaml() -> String { "openapi: 3.1.0\n".to_owned() }
