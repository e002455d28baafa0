//! Numbers read and printed as the servers do.
