//! The child process for the tests of this package; the service runs itself as one.

fn main() -> std::process::ExitCode {
    lastcall_render::child::main()
}
