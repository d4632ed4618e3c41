//! Read-only SQL over a session's datasets, each query in a child process of its own.
