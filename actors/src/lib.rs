//! Who supervises whom: the supervisor, the worker pools, the cleaner and the shutdown protocol.
