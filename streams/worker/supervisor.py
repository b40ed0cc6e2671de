"""Child processes of `headwater`: started together and stopped together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from streams.errors import Stop

_POLL_SECONDS = 0.2
_PARENT_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Child:
    """One `headwater` command that runs as a process of its own."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]  # all of it


class Children:
    """Running children. Leaving the `with` block stops those that are still alive."""

    def __init__(self, wanted: Sequence[Child], stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for child in wanted:
            self._running[child.name] = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", *child.arguments],
                env={**child.environ, "HEADWATER_SUPERVISOR": str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                # Ctrl-C on the terminal reaches this process only, which then stops the children.
                start_new_session=True,
            )

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ended(self) -> dict[str, int]:
        """Exit codes of the children that have ended."""
        codes = {name: process.poll() for name, process in self._running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def require_all(self) -> None:
        """Raise Stop, naming the children, when any of them has ended."""
        ended = self.ended()
        if ended:
            raise Stop(f"{_endings(ended)}: its own message is above")

    def stop(self) -> dict[str, int]:
        """Ask all to stop, kill those that do not in time, and return the exit codes of all."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return self.ended()


def supervise(wanted: Sequence[Child], stop_seconds: float, say: Callable[[str], None]) -> int:
    """Run all children until a signal (exit code 0) or until one of them ends (exit code 1)."""
    requested = False

    def request(number: int, frame: FrameType | None) -> None:
        nonlocal requested
        requested = True

    before = {number: signal.signal(number, request) for number in _STOP_SIGNALS}
    try:
        with Children(wanted, stop_seconds) as children:
            while not requested and not children.ended():
                time.sleep(_POLL_SECONDS)
            failed = children.ended()
            if failed:
                say(f"{_endings(failed)}; stopping the others")
            codes = children.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 1 if failed or any(codes.values()) else 0


def end_with(supervisor: int) -> None:
    """Have the kernel send SIGTERM to this process when its supervisor ends (Linux only)."""
    if not supervisor or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        raise Stop("the process that started this one is gone")


def end_after(supervisor: int, seconds: float) -> None:
    """End this process at the latest so long after its supervisor, whatever hangs in it.

    A supervisor that lives kills what does not stop in time. When it was killed itself, nobody
    else would, and a worker that hangs would keep its partitions, ports and folders.
    """
    if not supervisor:
        return

    def wait_and_end() -> None:
        while os.getppid() == supervisor:
            time.sleep(_PARENT_SECONDS)
        time.sleep(seconds)
        try:
            print(
                f"headwater worker: its supervisor is gone, and it did not stop within"
                f" {seconds:.0f} s: it is cut off; what it was doing is done again after the next"
                " start",
                file=sys.stderr,
                flush=True,
            )
        finally:  # Whoever read what it says may be gone, too.
            os._exit(1)

    threading.Thread(target=wait_and_end, name="supervisor", daemon=True).start()


def _endings(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ended {_how(code)}" for name, code in codes.items())


def _how(code: int) -> str:
    if code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"
