"""Waits until everything published is decided and stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from schemas import topics
from streams.kafka.caught_up import caught_up
from streams.wiring.parts import core_settings
from tests.chaos.fleet import Fleet
from tests.chaos.installation import Installation

# Not `examples`: the learner commits only when it tries a version.
DECIDED = [topic.name for topic in (*topics.SOURCES, topics.MATCH, topics.JOURNEYS)]
STORED = [topic.name for topic in topics.OUTCOMES]

BY_ROLE: Mapping[str, Sequence[str]] = {"core": DECIDED, "storing": STORED}

LOOK_SECONDS = 1.0
CONVERGED_LOOKS = 2
"""A model that is published late still gives rows after the last event is decided."""


class NotConvergedError(RuntimeError):
    """Workers did not reach the end of the log in time; the text quotes their last output."""


async def wait_until_converged(
    fleet: Fleet, seconds: float, by_role: Mapping[str, Sequence[str]] = BY_ROLE
) -> None:
    """Wait until both groups, or those given, are at the end of the log, several looks in a row.

    NotConvergedError after `seconds`.
    """
    give_up_at = time.monotonic() + seconds
    calm = 0
    while calm < CONVERGED_LOOKS:
        if time.monotonic() > give_up_at:
            output = "; ".join(f"{name}: {fleet.last_output(name)}" for name in fleet.workers)
            raise NotConvergedError(f"not at the end of the log after {seconds:.0f} s; {output}")
        calm = calm + 1 if await _is_converged(fleet.installation, by_role) else 0
        await asyncio.sleep(LOOK_SECONDS)


async def _is_converged(installation: Installation, by_role: Mapping[str, Sequence[str]]) -> bool:
    settings = installation.settings
    core = core_settings(settings)
    for role, names in by_role.items():
        group = settings.kafka.consumer_group(role)
        if not await caught_up(core.bootstrap_servers, group, names, core):
            return False
    return True
