//! Re-exports the C API so that the static archive holds its symbols.
pub use wasmtime_c_api::*;
