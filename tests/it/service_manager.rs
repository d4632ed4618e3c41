//! The notifications to systemd, on a socket in its place.

use std::os::unix::net::UnixDatagram;

use nix::sys::signal::Signal;

use crate::support::{Home, TIMEOUT};

/// The manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    fn new(home: &Home) -> (Self, String) {
        let path = home.path().join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        (Self(socket), path.display().to_string())
    }

    /// Reads messages until one has this line; all of its lines.
    #[track_caller]
    fn wait_for(&self, line: &str) -> Vec<String> {
        let mut message = [0; 4096];
        loop {
            let length = self.0.recv(&mut message).expect(line);
            let text = String::from_utf8(message[..length].to_vec()).unwrap();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.iter().any(|found| found == line) {
                return lines;
            }
        }
    }
}

#[test]
fn the_service_manager_is_notified_of_readiness_heartbeats_reload_and_stop() {
    let home = Home::new();
    let (manager, path) = Manager::new(&home);
    let mut service = home
        .service()
        .set("shutdown.deadline", "20s")
        .env("NOTIFY_SOCKET", path)
        .env("WATCHDOG_USEC", "1000000")
        .start();
    let ready = manager.wait_for("READY=1");
    let status = format!("STATUS=ready on http://{}", service.address());
    assert!(ready.contains(&status), "{ready:?}");
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    service.signal(Signal::SIGHUP);
    manager.wait_for("RELOADING=1");
    manager.wait_for("READY=1");
    let ended = service.terminate().expect(0);
    let stopping = manager.wait_for("STOPPING=1");
    // The deadline, and some time for the exit itself.
    let extended = "EXTEND_TIMEOUT_USEC=25000000".to_owned();
    assert!(stopping.contains(&extended), "{stopping:?} {ended:#?}");
}

#[test]
fn a_service_whose_manager_is_gone_runs_all_the_same() {
    let home = Home::new();
    let (manager, path) = Manager::new(&home);
    drop(manager);
    let service = home.service().env("NOTIFY_SOCKET", path).start();
    service.client().get("/readyz").expect(200);
    service.stop();
}
