"""Faults in random order, several at a time, under load; whatever is broken is mended in the end.

A run is told by its seed: `scripts/test-containers.sh --chaos MINUTES --seed SEED` does the same again,
as far as the machine does.
"""

import random
import time

from engine import docker, freeze
from names import REPLICAS

# How long a fault lasts, in seconds: below and above a lease (5 s).
LASTS = (1, 12)
# Faults that are there at once, at most.
AT_ONCE = 3


class Chaos:
    """The faults of a cluster."""

    def __init__(self, cluster, seed):
        self.cluster, self.random = cluster, random.Random(seed)
        # By what is broken: when it is mended, and how.
        self.broken = {}

    def run(self, seconds):
        """Breaks and mends until the time is over, then mends what is left. How often what was done."""
        counts = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.mend(time.monotonic())
            if len(self.broken) < AT_ONCE:
                fault = self.random.choice(self.FAULTS)
                if fault(self):
                    counts[fault.__name__] = counts.get(fault.__name__, 0) + 1
            time.sleep(self.random.uniform(0.2, 2))
        self.mend(None)
        return counts

    def mend(self, now):
        """Mends what it is time for; everything, if no time is given."""
        for what, (until, repair) in list(self.broken.items()):
            if now is None or until <= now:
                repair()
                del self.broken[what]

    def breaks(self, what, damage, repair):
        """Breaks what is whole; `False` where it is broken already, or cannot be."""
        if what in self.broken:
            return False
        try:
            damage()
        except AssertionError:
            # The engine is starting it again: it can be neither paused nor cut off just then.
            return False
        self.broken[what] = (time.monotonic() + self.random.uniform(*LASTS), repair)
        return True

    def name(self, service):
        return self.cluster.names[service]

    def killed(self):
        service = self.random.choice([*REPLICAS, "postgres", "s3", "haproxy"])
        container = self.name(service)
        return self.breaks(service, lambda: docker("kill", container),
                           lambda: docker("start", container))

    def stopped(self):
        service = self.random.choice([*REPLICAS, "postgres", "s3"])
        container = self.name(service)
        return self.breaks(service, lambda: docker("stop", "--time", "30", container),
                           lambda: docker("start", container))

    def paused(self):
        service = self.random.choice([*REPLICAS, "postgres", "s3", "haproxy"])
        container = self.name(service)
        return self.breaks(service, lambda: freeze(container),
                           lambda: docker("unpause", container))

    def cut_off(self):
        service = self.random.choice(REPLICAS)
        container = self.name(service)
        network = self.cluster.compose.network(self.random.choice(["front", "database", "objects"]))
        return self.breaks(
            service, lambda: docker("network", "disconnect", network, container),
            lambda: docker("network", "connect", "--alias", service, network, container))

    def all_killed(self):
        containers = [self.name(service) for service in REPLICAS]
        if any(service in self.broken for service in REPLICAS):
            return False
        docker("kill", *containers)
        docker("start", *containers)
        return True

    FAULTS = [killed, stopped, paused, paused, cut_off, cut_off, all_killed]
