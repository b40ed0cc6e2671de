"""Workers whose supervisor is killed end in time, too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere nothing tells a child that its parent was killed"
)

SUPERVISOR = """
import subprocess, sys, os
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stderr=2)
print(child.pid, flush=True)
child.wait()
"""
WORKER = """
import signal, sys, time
from streams.worker.supervisor import end_after, end_with
signal.signal(signal.SIGTERM, {on_term})
end_with(int(sys.argv[1]))
end_after(int(sys.argv[1]), 1.0)
print("ready", file=sys.stderr, flush=True)
time.sleep(120)
"""
HANGS = "lambda *_: None"
STOPS = "lambda *_: sys.exit(0)"


def end(worker: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


def killed_under(on_term: str) -> tuple[float, str]:
    """Seconds until a worker is gone whose supervisor is killed, and what it says after `ready`."""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, WORKER.format(on_term=on_term)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout
    assert supervisor.stderr
    worker = int(supervisor.stdout.readline())
    assert supervisor.stderr.readline() == "ready\n"
    supervisor.kill()
    began = time.monotonic()
    try:
        # The pipe is open as long as the worker is there.
        spoken = supervisor.stderr.read()
    finally:
        end(worker)
        supervisor.communicate()
    return time.monotonic() - began, spoken


def test_a_worker_that_stops_in_time_is_left_to_do_so() -> None:
    assert killed_under(STOPS)[1] == ""


def test_a_worker_that_hangs_ends_itself_after_its_time_and_says_so() -> None:
    seconds, spoken = killed_under(HANGS)
    assert 1.0 <= seconds < 60.0
    assert "did not stop within 1 s" in spoken


def test_a_worker_that_hangs_ends_even_if_nobody_reads_what_it_says() -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, WORKER.format(on_term=HANGS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout
    assert supervisor.stderr
    worker = int(supervisor.stdout.readline())
    assert supervisor.stderr.readline() == "ready\n"
    supervisor.stderr.close()
    supervisor.kill()
    watch = threading.Timer(20, end, [worker])
    watch.start()
    began = time.monotonic()
    # The other pipe is open as long as the worker is there.
    assert supervisor.stdout.read() == ""
    seconds = time.monotonic() - began
    watch.cancel()
    supervisor.communicate()
    assert seconds < 15
