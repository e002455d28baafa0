//! JSON.* for Valkey and Redis.
