"""Whether a worker with these settings would start with the rules that are in force."""

from __future__ import annotations

import asyncio

from schemas.topics import RULE_SETS
from streams.errors import Stop
from streams.kafka.topics import admin, find_topics
from streams.operations.doctor.check import Check
from streams.settings import KafkaSettings, Settings
from streams.wiring.rules_in_force import apply_rule_file

_NAME = "rules_in_force"


def examine_rules_in_force(settings: Settings) -> Check:
    """The check `rules_in_force`; unknown where the broker does not answer."""
    kafka = settings.kafka
    if kafka.brokers is None or kafka.is_in_process:
        return Check(_NAME, True, "HEADWATER_KAFKA is not set: nothing outlives its process")
    try:
        if not asyncio.run(_are_recorded(kafka)):
            return Check(_NAME, True, "none are in force yet: the first worker records its own")
        change = apply_rule_file(settings, settings.rules.attribution, is_dry=True)
    except Stop as error:
        return Check(_NAME, False, f"unknown: {error}")
    if not change.before:
        return Check(_NAME, True, "none are in force yet: the first worker records its own")
    if not change.changes:
        return Check(_NAME, True, f"rule set {change.before}, and HEADWATER_RULES is the same")
    file = settings.rules.attribution
    return Check(
        _NAME,
        settings.rules.rules_change != "refuse",
        f"rule set {change.before} is in force, and "
        + (f"{file} is {change.after}" if file else f"the default rules are {change.after}")
        + f" ({len(change.changes)} changes, such as {change.changes[0]}): name the file that is "
        f"in force in HEADWATER_RULES, or `headwater rules apply {file or '--defaults'}`",
    )


async def _are_recorded(kafka: KafkaSettings) -> bool:
    name = kafka.own_prefix + RULE_SETS.name
    async with admin(kafka) as client:
        return name in await find_topics(client, [name])
