"""The worker processes of one installation; ended ones are started again, as by Kubernetes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.fault_plan import CORES, LEARNING, STORING
from tests.chaos.installation import CHECKOUT, COMMAND, Installation

LOOK_SECONDS = 0.1
RESTART_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 8.0
STOP_SECONDS = 60.0
TAIL_LINES = 1


@dataclass(slots=True)
class Worker:
    """A worker by name; its process is replaced whenever it ends."""

    name: str
    process: subprocess.Popen[bytes]
    is_stopped: bool = False
    is_killed: bool = False
    is_awaited: bool = False  # has ended, and will be started again in a moment
    backoff: float = RESTART_SECONDS


@dataclass(slots=True)
class Fleet:
    """Two core workers and one storing process."""

    installation: Installation
    workers: dict[str, Worker] = field(default_factory=dict)
    unexpected_exits: list[str] = field(default_factory=list)
    """Exits that no injected signal caused, one line each."""
    last_codes: list[int] = field(default_factory=list)
    checkouts: dict[str, Path] = field(default_factory=dict)
    """Where a worker's program is, if not in this checkout."""

    def start_all(self) -> None:
        for name in (*CORES, STORING):
            self.workers[name] = Worker(name, self._start(name))

    def add(self, name: str) -> None:
        """Start one more worker."""
        self.workers[name] = Worker(name, self._start(name))

    def kill_for_good(self, name: str) -> None:
        """SIGKILL a worker that nobody starts again."""
        process = self.workers.pop(name).process
        process.kill()
        process.wait()

    async def supervise(self) -> None:
        """Start ended workers again, until cancelled."""
        async with asyncio.TaskGroup() as restarts:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                for worker in list(self.workers.values()):
                    if worker.process.poll() is not None and not worker.is_awaited:
                        worker.is_awaited = True
                        restarts.create_task(self._replace(worker))

    def kill(self, name: str, *, loses_disk: bool = False) -> bool:
        """SIGKILL; False when there is no such process just now."""
        worker = self.workers[name]
        if worker.process.poll() is not None:
            return False
        worker.is_killed = True
        worker.process.kill()
        worker.process.wait()
        if loses_disk:
            shutil.rmtree(self.installation.state(name), ignore_errors=True)
        return True

    async def replace_build(self, name: str, checkout: Path) -> int:
        """Ask a worker to end, and start it again from another checkout; its exit code."""
        worker = self.workers[name]
        self.checkouts[name] = checkout
        worker.is_awaited = True  # So that the supervisor leaves it to us.
        worker.process.terminate()
        code = await asyncio.to_thread(worker.process.wait, STOP_SECONDS)
        worker.process = self._start(name)
        worker.is_awaited = False
        return code

    async def stop_for(self, name: str, seconds: float) -> bool:
        """SIGSTOP and, later, SIGCONT; False when the process did not live that long."""
        worker, process = self.workers[name], self.workers[name].process
        if worker.is_stopped or process.poll() is not None:
            return False
        worker.is_stopped = True
        try:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            process.send_signal(signal.SIGCONT)
            return process.poll() is None
        finally:
            worker.is_stopped = False

    def end(self) -> None:
        """Ask all to end and note their exit codes. What does not end in time is killed (-9)."""
        processes = [worker.process for worker in self.workers.values()]
        for process in processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        give_up_at = time.monotonic() + STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, give_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        self.last_codes = [process.wait() for process in processes]

    def log(self, name: str) -> Path:
        return self.installation.folder / f"{name}.log"

    def last_output(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return " | ".join(lines) or "(nothing)"

    async def _replace(self, worker: Worker) -> None:
        """At once after a kill; later and later when it ends by itself, as without a broker."""
        if worker.is_killed:
            worker.backoff = RESTART_SECONDS
        else:
            code, output = worker.process.returncode, self.last_output(worker.name)
            self.unexpected_exits.append(f"{worker.name} ended with {code}: {output}")
            worker.backoff = min(2 * worker.backoff, BACKOFF_SECONDS_MAX)
        await asyncio.sleep(worker.backoff)
        worker.process = self._start(worker.name)
        worker.is_killed = worker.is_awaited = False

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        role = name if name in (STORING, LEARNING) else "core"
        checkout = self.checkouts.get(name, CHECKOUT)
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                [*COMMAND, "worker", "--role", role],
                env=self.installation.environ(worker=name)
                | {"HEADWATER_SUPERVISOR": str(os.getpid()), "PYTHONPATH": str(checkout)},
                cwd=checkout,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@asynccontextmanager
async def running_fleet(
    installation: Installation, checkouts: Mapping[str, Path] | None = None
) -> AsyncIterator[Fleet]:
    """A fleet under supervision; all its processes have ended when the block is left."""
    fleet = Fleet(installation, checkouts=dict(checkouts or {}))
    fleet.start_all()
    supervisor = asyncio.create_task(fleet.supervise())
    try:
        yield fleet
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])
        fleet.end()
