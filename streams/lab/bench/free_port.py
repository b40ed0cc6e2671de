"""Ports for programs that are started side by side on one machine."""

from __future__ import annotations

import random
import socket

FREE_PORTS = range(20_000, 32_000)
"""Below the ports of outgoing connections (32768 and up on Linux, 49152 elsewhere), one of which
could be taken between the choice and the start of the program."""

_chance = random.SystemRandom()
_given: set[int] = set()


def free_port(adjacent: int = 1) -> int:
    """The first of `adjacent` TCP ports that nothing is bound to now, on any address.

    A process is given each port once. OSError: there are none after many tries.
    """
    for _ in FREE_PORTS:
        first = _chance.randrange(FREE_PORTS.start, FREE_PORTS.stop - adjacent + 1)
        ports = range(first, first + adjacent)
        if _given.isdisjoint(ports) and all(map(_is_free, ports)):
            _given.update(ports)
            return first
    raise OSError(f"no {adjacent} adjacent free ports from {FREE_PORTS[0]} to {FREE_PORTS[-1]}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
