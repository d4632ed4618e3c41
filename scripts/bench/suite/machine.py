"""What the figures were measured on."""

import os
import platform
import tempfile
import time


def cores() -> int:
    return len(os.sched_getaffinity(0))


def fdatasyncs_per_second() -> float:
    """How often the disk says "it is safe" for 4 KiB, one after the other: what bounds a queue
    that commits each job by itself."""
    with tempfile.TemporaryFile(buffering=0) as file:
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < 1:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - begin)


def model() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe() -> None:
    load = os.getloadavg()[0]
    print(
        f"{cores()} cores ({model()}), Linux {platform.release()}, "
        f"{fdatasyncs_per_second():,.0f} fdatasync/s, load {load:.1f} before the start"
    )
    if load > 0.5:
        print("the machine is not idle: trust ratios, not figures")
