"""Runs every check of an installation. Changes nothing, and says what to do."""

from __future__ import annotations

from streams.operations.doctor.broker import examine_broker
from streams.operations.doctor.check import Check
from streams.operations.doctor.configuration import (
    examine_environment,
    examine_pseudonyms,
    examine_rules,
    examine_targets,
)
from streams.operations.doctor.disk import examine_disk, examine_state_disk
from streams.operations.doctor.limits import examine_limits
from streams.operations.doctor.log_identity import examine_log_identity
from streams.operations.doctor.rules_in_force import examine_rules_in_force
from streams.operations.doctor.set_aside import examine_set_aside
from streams.operations.doctor.store import examine_store
from streams.operations.doctor.versions import examine_versions
from streams.settings import Settings


def examine(settings: Settings) -> list[Check]:
    """Run every check, also after one has failed."""
    return [
        examine_environment(),
        *examine_broker(settings.kafka),
        examine_limits(settings.kafka),
        *examine_store(settings),
        examine_log_identity(settings),
        examine_versions(settings),
        *examine_set_aside(settings),
        examine_disk(settings.folders.data),
        examine_state_disk(settings.folders.state),
        examine_pseudonyms(settings),
        examine_rules(settings.rules),
        examine_rules_in_force(settings),
        examine_targets(settings.models),
    ]
