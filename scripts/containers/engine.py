"""The engine's command line, and what the tests ask of it."""

import json
import os
import subprocess
import time

# How long anything may take that is waited for; the machine may be busy.
TIMEOUT = 120


def run(*command, check=True, **options):
    """Runs a command; its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def docker(*arguments, **options):
    return run("docker", *arguments, **options)


def inspect(name, path):
    """What the engine says of a container or an image, by a path such as `State.Health`."""
    value = json.loads(docker("inspect", name))[0]
    for key in path.split("."):
        value = value[key]
    return value


def logs(container):
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def until(what, look, timeout=TIMEOUT):
    """Looks until there is something to be seen, and says what was waited for if there is not."""
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}; last seen: {seen!r}")
        time.sleep(0.1)


def freeze(container):
    """Pauses a container. The kernel does not freeze a thread that is in a call which cannot be
    interrupted; the engine gives up then, and has to be asked again."""

    def paused():
        docker("pause", container, check=False)
        return inspect(container, "State.Paused")

    until(f"{container} is paused", paused)


class Compose:
    """The services of deploy/compose.yaml, as a project of its own in a copy of the folder."""

    def __init__(self, folder, image, port):
        self.folder = folder
        self.project = f"lastcall-test-{os.getpid()}"
        self.environment = dict(os.environ, LASTCALL_IMAGE=image, LASTCALL_PORT=str(port))
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60)
        self.program = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]

    def __call__(self, *arguments, **options):
        files = ["-p", self.project, "-f", os.path.join(self.folder, "compose.yaml")]
        return run(*self.program, *files, *arguments, env=self.environment, **options)

    def container(self, service, *options):
        return self("ps", "-q", *options, service).splitlines()[0]

    def network(self, name):
        return f"{self.project}_{name}"

    def down(self):
        self("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
