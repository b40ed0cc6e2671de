"""What states still name of who asked to be forgotten, some days after the last request."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from schemas.time import DAY_MS
from streams.replay.engine import Replay
from streams.replay.memory_log import MemoryRecord
from streams.replay.run import survey
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics
from tests.privacy.people import Person, log_of, tick
from tests.privacy.proof import names_of, settings_in
from tests.worlds.clock import NOON

__all__ = ["named_in_states"]


def named_in_states(folder: Path, crowd: list[Person], days: int) -> Counter[str]:
    """How many states of each stage and kind of key have the bytes of a name, as it was sent or as
    a pseudonym, `days` after the beginning of the log."""
    log = [
        MemoryRecord(one.topic, 0, number, one.timestamp_ms or 0, None, one.value)
        for number, one in enumerate([*log_of(crowd), tick(NOON + days * DAY_MS)])
    ]
    replay = Replay(stage_rules(settings_in(folder)), lambda topic, records: None, StageMetrics())
    replay.run(log, survey(log, lambda done: None))
    names = [name.encode() for one in crowd if one.asks_by for name in names_of(one)]
    found = Counter[str]()
    for stage, state in replay._states.items():
        for key, value in state.entries():
            found[f"{stage}: all"] += 1
            if any(name in key or name in value for name in names):
                found[f"{stage}: naming, by {key[:2].decode()}"] += 1
    return found
