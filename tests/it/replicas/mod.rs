//! Several replicas on one PostgreSQL and one folder of blobs, behind a real HAProxy.
//!
//! It needs the server that `scripts/postgres.sh start` starts, named by
//! `LASTCALL_TEST_POSTGRES`, and Debian's `haproxy` and `postgresql-client`.

mod balancer;
mod cluster;
mod database;
mod load;
mod rescue;
mod rolling;
