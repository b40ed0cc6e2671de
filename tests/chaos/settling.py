"""Waits until everything published is decided and stored."""

from __future__ import annotations

import asyncio
import time

from schemas import topics
from streams.kafka.caught_up import caught_up
from streams.wiring.parts import core_settings
from tests.chaos.fleet import Fleet
from tests.chaos.installation import Installation

# Not `examples`: the learner commits only when it tries a version.
DECIDED = [topic.name for topic in (*topics.SOURCES, topics.MATCH, topics.JOURNEYS)]
STORED = [topic.name for topic in topics.OUTCOMES]

LOOK_SECONDS = 1.0
CALM_ROUNDS = 2
"""A model that is published late still gives rows after the last event is decided."""


class NotSettledError(RuntimeError):
    """Workers did not get to the end of the log in time; says what they said last."""


async def settle(fleet: Fleet, seconds: float) -> None:
    """Wait for both groups, several times in a row. NotSettledError after `seconds`."""
    give_up_at = time.monotonic() + seconds
    calm = 0
    while calm < CALM_ROUNDS:
        if time.monotonic() > give_up_at:
            said = "; ".join(f"{name}: {fleet.last_words(name)}" for name in fleet.workers)
            raise NotSettledError(f"not at the end of the log after {seconds:.0f} s; {said}")
        calm = calm + 1 if await _is_calm(fleet.installation) else 0
        await asyncio.sleep(LOOK_SECONDS)


async def _is_calm(installation: Installation) -> bool:
    settings = installation.settings
    core = core_settings(settings)
    for role, names in (("core", DECIDED), ("storing", STORED)):
        group = settings.kafka.consumer_group(role)
        if not await caught_up(core.bootstrap_servers, group, names, core):
            return False
    return True
