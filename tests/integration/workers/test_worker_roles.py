"""`headwater worker --role all` starts both roles on its own broker, and ends both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.lab.bench.free_port import free_port

pytest.importorskip("chdb", reason="the embedded store is not installed")
pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

SECONDS = 120


@dataclass
class Worker:
    process: subprocess.Popen[str]
    port: int  # of the core role; storing has the next

    def status(self, port: int, page: str) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{port}{page}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[1]
        return all(self.status(port, "/readyz") == 200 for port in (self.port, self.port + 1))

    def roles(self) -> dict[str, int]:
        """Role to process id."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        commands = {int(one): Path(f"/proc/{one}/cmdline").read_text() for one in children}
        return {
            role: pid
            for pid, command in commands.items()
            for role in ("core", "storing")
            if role in command.split("\0")
        }


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    others = {key: value for key, value in os.environ.items() if "HEADWATER_" not in key}
    port = free_port(adjacent=2)
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "worker", "--data", str(tmp_path)],
        env={**others, "HEADWATER_METRICS_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = Worker(process, port)
    try:
        _wait_for(worker.is_ready, "both roles to be ready")
        yield worker
    finally:
        process.kill()
        process.communicate()


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def _gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_told_to_stop_it_ends_both_roles_and_itself_well(worker: Worker) -> None:
    pids = list(worker.roles().values())
    assert len(pids) == 2
    worker.process.send_signal(signal.SIGTERM)
    stdout, stderr = worker.process.communicate(timeout=SECONDS)
    assert worker.process.returncode == 0
    assert stdout == ""
    assert "Traceback" not in stderr
    assert _gone(pids)


def test_when_one_role_dies_the_other_is_ended_and_the_exit_code_says_so(worker: Worker) -> None:
    roles = worker.roles()
    os.kill(roles["storing"], signal.SIGKILL)
    _, stderr = worker.process.communicate(timeout=SECONDS)
    assert worker.process.returncode == 1
    assert "storing ended by SIGKILL; stopping the others" in stderr
    assert "Traceback" not in stderr
    assert _gone(list(roles.values()))


def test_roles_do_not_outlive_a_killed_supervisor(worker: Worker) -> None:
    if sys.platform != "linux":
        pytest.skip("needs Linux: elsewhere nothing tells a child that its parent was killed")
    pids = list(worker.roles().values())
    worker.process.kill()
    _wait_for(lambda: _gone(pids), "the roles to end")
