"""One installation of Headwater on a broker: its own topics, groups, state and store."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.lab.bench.free_port import free_port
from streams.settings import Settings, read_settings
from tests.chaos.fault_plan import CORES, LEARNING, STORING
from tests.checkout import ROOT

CHECKOUT = ROOT
COMMAND = (sys.executable, "-m", "streams.cli")
COMMAND_SECONDS = 600.0
SESSION_SECONDS = 4
CHAOS_SECRET = "a secret of the chaos tests, 32 bytes"
_DECIDED = re.compile(
    r'^headwater_events_total\{disposition="decided"[^\n]* ([\d.e+]+)$', re.MULTILINE
)
_LEARNED = re.compile(r'^headwater_records_total\{stage="learning"\} ([\d.e+]+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Installation:
    """Several may share a broker: topics, groups and transactional ids carry the name."""

    name: str
    broker: str  # host:port
    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def state(self, worker: str) -> Path:
        """Each worker has a disk of its own."""
        return self.folder / "state" / worker

    def environ(self, worker: str = "none") -> dict[str, str]:
        """The environment of its processes; HEADWATER_ variables of this process are left out."""
        foreign = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        return foreign | {
            "HEADWATER_KAFKA": self.broker,
            "HEADWATER_TOPIC_PREFIX": f"{self.name}-",
            "HEADWATER_PSEUDONYM_SECRET": CHAOS_SECRET,
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
            "HEADWATER_SESSION_TIMEOUT": f"{SESSION_SECONDS}s",
            "HEADWATER_DATA": str(self.store),
            "HEADWATER_STATE_DIR": str(self.state(worker)),
            "HEADWATER_METRICS_PORT": "0",
            "HEADWATER_LOG_LEVEL": "warning",
        }

    @property
    def settings(self) -> Settings:
        return read_settings(self.environ())

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run a `headwater` command with --json; the object it prints."""
        return run_headwater([*arguments, "--json"], self.environ())

    def digest(self) -> dict[str, str]:
        """Only when no worker has the store open."""
        return converged_digest(self.environ())


@dataclass(frozen=True)
class WatchedInstallation(Installation):
    """An installation whose workers have ports for their probes."""

    ports: Mapping[str, int] = field(
        default_factory=lambda: {name: free_port() for name in (*CORES, LEARNING, STORING)}
    )

    def environ(self, worker: str = "none") -> dict[str, str]:
        port = {"HEADWATER_METRICS_PORT": str(self.ports.get(worker, 0))}
        return super().environ(worker) | port

    def readiness(self, worker: str) -> tuple[int, str]:
        """Status and text of `/readyz`; (0, "") while nothing listens."""
        return self._page(worker, "readyz")

    def decided(self, worker: str) -> float:
        """How many events this process of the worker has decided."""
        found = _DECIDED.findall(self._page(worker, "metrics")[1])
        return sum(map(float, found))

    def learned(self, worker: str) -> float:
        """How many examples this process of the worker has read."""
        return sum(map(float, _LEARNED.findall(self._page(worker, "metrics")[1])))

    def _page(self, worker: str, path: str) -> tuple[int, str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            url = f"http://127.0.0.1:{self.ports[worker]}/{path}"
            with opener.open(url, timeout=5) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


def run_headwater(
    arguments: Sequence[str], environ: Mapping[str, str], seconds: float = COMMAND_SECONDS
) -> dict[str, Any]:
    """Run one command as a person would; CommandError when it fails."""
    return run_json([*COMMAND, *arguments], environ, seconds)


def forget(environ: Mapping[str, str]) -> None:
    """Forget everybody who asked for it in a store that no worker has open.

    Until then, whether a late row of such a person bears a name depends on how the partitions
    interleaved: the journey is purged in between.
    """
    run_headwater(["privacy", "run", "--json"], environ)


def converged_digest(environ: Mapping[str, str]) -> dict[str, str]:
    """Of a store that no worker has open, once everybody who asked for it is forgotten in it."""
    forget(environ)
    return run_headwater(["digest", "--converged", "--json"], environ)


def run_json(
    command: Sequence[str], environ: Mapping[str, str], seconds: float = COMMAND_SECONDS
) -> dict[str, Any]:
    """The JSON object that a child process prints last."""
    done = subprocess.run(
        list(command),
        env=dict(environ),
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        output = done.stderr.strip() or done.stdout.strip()
        raise CommandError(f"{' '.join(command[2:])} ended with {done.returncode}: {output}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


class CommandError(RuntimeError):
    """A command that has to work did not; the text is its output."""
