"""A server process that is known by its pid file, so that any process can find and end it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
STOP_SECONDS = 30.0
LOG_TAIL_LINES = 5
_PR_SET_PDEATHSIG = 1

# Children have to be reaped by the process that started them; others only see the pid file.
_children: dict[int, subprocess.Popen[bytes]] = {}


class ServerError(Exception):
    """A local server is missing or does not start. The text is one line with advice."""


def port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


@dataclass(frozen=True, slots=True)
class Program:
    """One program with its working folder; its output goes to `<folder>/<name>.log`."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def launch(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        dies_with_parent: bool = False,
    ) -> int:
        """Start the program in the background and return its pid.

        `dies_with_parent` (Linux) also ends it when the thread that started it ends, however
        that happens; it keeps a killed test run from leaving servers behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                list(command),
                cwd=self.folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if dies_with_parent else None,
            )
        _children[child.pid] = child
        self.pid_file.write_text(str(child.pid))
        return child.pid

    def pid(self) -> int | None:
        """The pid of the running program; None when it does not run."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        child = _children.get(pid)
        if child is not None:
            return pid if child.poll() is None else None
        # A pid is used again after a while: believe it only if the command names our folder.
        return pid if str(self.folder) in _command_of(pid) else None

    def running(self) -> bool:
        return self.pid() is not None

    def send(self, signum: signal.Signals) -> bool:
        """Send a signal; False when the program does not run."""
        pid = self.pid()
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        return True

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask the program to end; kill it when it takes longer than `seconds`."""
        if self.send(signal.SIGTERM) and not wait_until(lambda: not self.running(), seconds):
            self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        self.send(signal.SIGKILL)
        if not wait_until(lambda: not self.running(), STOP_SECONDS):
            raise ServerError(f"{self.name} survives SIGKILL; see pid {self.pid()}")
        self.pid_file.unlink(missing_ok=True)

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`; ServerError with the last log lines when that fails."""
        if wait_until(lambda: not self.running() or ready(), seconds) and self.running():
            return
        state = f"is not ready after {seconds:.0f} s" if self.running() else "stopped"
        raise ServerError(f"{self.name} {state}; {self.log} ends: {self.log_tail()}")

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return " | ".join(line.strip() for line in lines) or "(nothing)"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server with its folder; after a kill, starting it again continues with the same data."""

    program_name: ClassVar[str]
    folder: Path

    @property
    def program(self) -> Program:
        return Program(self.program_name, self.folder)

    def running(self) -> bool:
        return self.program.running()

    def stop(self) -> None:
        self.program.stop()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.program.kill()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _command_of(pid: int) -> str:
    """The command line of a process; empty when it does not exist (or is a zombie)."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    found = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout
