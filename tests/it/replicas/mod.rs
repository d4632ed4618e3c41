//! Several replicas on one PostgreSQL and one folder of blobs, behind a real HAProxy.
//!
//! | suite | what it shows |
//! |---|---|
//! | [`takeover`] | a job whose worker was killed, hangs, or was stopped is run by a peer |
//! | [`differing`] | replicas with blobs or a time of their own |
//! | [`cached`] | a result of one replica answers the others |
//! | [`rolling`] | restarts, kills and hangs under a steady load |
//!
//! Triggers in the database record every result that is written and every change to a job that
//! has ended: each job has one of each, whatever happens to its workers.
//!
//! It needs the server that `scripts/postgres.sh start` starts, named by
//! `LASTCALL_TEST_POSTGRES`, and Debian's `haproxy` and `postgresql-client`.

mod balancer;
mod cached;
mod cluster;
mod differing;
mod load;
mod rolling;
mod takeover;
