//! The profile of a dataset in one streaming pass, and its readers.
