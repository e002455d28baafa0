//! The module API of Valkey and Redis: all FFI of the workspace.
