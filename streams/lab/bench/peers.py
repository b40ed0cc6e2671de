"""Programs on other frameworks that do a reduced form of the same job.

They are in `tests/benchmarks/peers` of the source checkout. Each runs in an environment of its own,
because its framework wants other versions of what Headwater needs; `make bench-peers` makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemas import topics
from streams.errors import Stop
from streams.lab.bench.benched import BenchedProgram
from streams.lab.bench.programs import Program

SOURCE_NAMES = [topic.name for topic in topics.SOURCES]
_EXACTLY_ONCE = {"QUIX_GUARANTEE": "exactly-once"}


def peer_programs(environments: Path, folder: Path) -> Iterator[BenchedProgram]:
    """All peers; `folder` is where they keep their state. Stop: an environment is missing."""
    quix, bytewax = (_python(environments, name) for name in ("quix", "bytewax"))
    yield _quix("quix", quix, {})
    yield _quix("quix_exactly_once", quix, _EXACTLY_ONCE)
    command = [
        str(bytewax),
        "-m",
        "tests.benchmarks.peers.bytewax_run",
        str(folder / "bytewax-state"),
    ]
    yield BenchedProgram("bytewax", [Program("bytewax", command, ends=True)], "bytewax", [])


def _quix(name: str, python: Path, environ: dict[str, str]) -> BenchedProgram:
    program = Program(name, [str(python), "-m", "tests.benchmarks.peers.quix_app"], 0, environ)
    return BenchedProgram(name, [program], "quix", [*SOURCE_NAMES, "quix-matches", "quix-journeys"])


def _python(environments: Path, name: str) -> Path:
    python = environments / name / "bin" / "python"
    if not python.exists():
        raise Stop(
            f"there is no {python}: make the environments of the peers with `make bench-peers`"
        )
    return python.absolute()
