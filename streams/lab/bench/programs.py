"""Starts programs, waits until they are ready, and measures their CPU time from outside."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Stop

_POLL_SECONDS = 0.05
START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"  # in /proc/net/tcp
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")  # how a traceback ends


@dataclass(frozen=True, slots=True)
class Program:
    """A process to measure. Without a metrics port (0) it prints a line when it is ready."""

    name: str
    command: Sequence[str]
    metrics_port: int = 0
    environ: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment that all programs share."""
    ends: bool = False  # by itself, when it has read everything


@dataclass(slots=True)
class Running:
    """Processes that run side by side. `cpu_seconds` counts from `start_counting`."""

    processes: dict[str, subprocess.Popen[bytes]]
    first_ready_at: float = 0.0
    """When the first of those started together was ready, in seconds since 1970."""
    errors: dict[str, int] = field(default_factory=dict)
    """What programs without metrics have written to stderr: files in memory (Linux)."""
    _before: dict[str, float] = field(default_factory=dict)

    def start_counting(self) -> None:
        self._before = {name: cpu_seconds(one.pid) for name, one in self.processes.items()}

    def cpu_seconds(self) -> dict[str, float]:
        return {
            name: round(cpu_seconds(one.pid) - self._before[name], 2)
            for name, one in self.processes.items()
        }

    def ended(self, name: str) -> bool:
        """Whether a process has ended, without taking its CPU time from the system's books."""
        return self._exit_code(name) is not None

    def _exit_code(self, name: str) -> int | None:
        """Of a process that has ended: its exit code, or the number of the signal."""
        process = self.processes[name]
        if process.returncode is not None:
            return process.returncode
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        status = os.waitid(os.P_PID, process.pid, options)
        return status.si_status if status else None

    def last_error(self, name: str) -> str:
        """The last line in which a process told of an error, or of anything."""
        if name not in self.errors:
            return "its own message is above"
        file = self.errors[name]
        text = os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = list(filter(_ERROR.match, lines)) or lines
        return errors[-1] if errors else "it said nothing"

    def require_all(self, finishing: Collection[str] = ()) -> None:
        """Stop: a process has ended; the line has its last error.

        Those that are `finishing` may end, unless they fail.
        """
        for name in self.processes:
            code = self._exit_code(name)
            if code is not None and (code or name not in finishing):
                raise Stop(f"{name} ended with exit code {code}: {self.last_error(name)}")


@contextlib.contextmanager
def running(
    programs: Sequence[Program],
    environ: Mapping[str, str],
    folder: Path,
    together: Sequence[Program] = (),
) -> Iterator[Running]:
    """Start `programs` in `folder`, each when the last is ready; then `together`, all at once.

    All are ended at exit. Stop: a program ends, or is not ready after a minute.
    """
    ran = Running({})
    try:
        for program in programs:
            _start(program, environ, folder, ran)
            _wait_ready(program, ran)
        for program in together:
            _start(program, environ, folder, ran)
        for program in together:
            _wait_ready(program, ran)
            ran.first_ready_at = ran.first_ready_at or time.time()
        yield ran
    finally:
        for process in reversed(ran.processes.values()):
            process.terminate()
        for process in ran.processes.values():
            _end(process)
        for file in ran.errors.values():
            os.close(file)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


class TakenMemory(NamedTuple):
    """Resident memory of a process, in MB of a million bytes."""

    now: float
    most: float


def memory_mb(pid: int) -> TakenMemory:
    """What a process takes of the machine's memory, and the most it has taken (Linux).

    One that has ended takes none.
    """
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {name: text for name, _, text in (line.partition(":") for line in lines)}
    now, most = (int(kilobytes.get(name, "0").split()[0]) for name in ("VmRSS", "VmHWM"))
    return TakenMemory(round(now * 1.024e-3), round(most * 1.024e-3))


def local_pid(address: str) -> int | None:
    """The process that listens on `host:port`, if it is on this machine and ours (Linux)."""
    port = address.rpartition(":")[2]
    if not port.isdecimal():
        return None
    listening = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{int(port):04X}") and line.split()[3] == _LISTENING
    }
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in listening for link in folder.iterdir()):
                return int(folder.parent.name)
    return None


def metrics_of(port: int) -> dict[tuple[str, str], float]:
    """Samples of a worker by (name, first label value or "")."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            label = next(iter(sample.labels.values()), "")
            found[sample.name, label] = found.get((sample.name, label), 0.0) + sample.value
    return found


def _start(program: Program, environ: Mapping[str, str], folder: Path, ran: Running) -> None:
    if not program.metrics_port:
        ran.errors[program.name] = os.memfd_create(program.name)
    ran.processes[program.name] = subprocess.Popen(
        list(program.command),
        env={
            **environ,
            **program.environ,
            "HEADWATER_METRICS_PORT": str(program.metrics_port),
            "HEADWATER_SUPERVISOR": str(os.getpid()),
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if program.metrics_port else subprocess.PIPE,
        stderr=ran.errors.get(program.name),
        start_new_session=True,
    )


def _wait_ready(program: Program, ran: Running) -> None:
    process = ran.processes[program.name]
    if not program.metrics_port:
        # It prints a line; if it ends instead, the line is empty.
        if process.stdout is None or not process.stdout.readline():
            process.wait(_STOP_SECONDS)
        ran.require_all()
        return
    give_up_at = time.monotonic() + START_SECONDS
    while not _answers(f"http://127.0.0.1:{program.metrics_port}/readyz"):
        ran.require_all()
        if time.monotonic() > give_up_at:
            raise Stop(f"{program.name} is not ready after {START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (URLError, OSError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
