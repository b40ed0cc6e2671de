"""Lanes run in any order, with crashes and rebalances: the first answer is still the right one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import json
from msgspec.structs import replace as with_fields

from schemas import topics
from schemas.time import DAY_MS, Millis
from tests.simulation.scenarios.draws import draw
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology

LONG = Millis(400 * DAY_MS)
"""The longest wait for a partition that stands still: no seed hits it."""


EARLY = pytest.mark.xfail(
    strict=True,
    reason="answered before a touchpoint of the device is read; corrected after",
)


@pytest.mark.parametrize("seed", [pytest.param(0, marks=EARLY), *range(1, 7)])
def test_no_install_is_answered_before_what_was_logged_before_it_is_read(seed: int) -> None:
    rules = stage_rules(seed)
    attribution = with_fields(rules.attribution, decision_wait_ms=LONG)
    patient = replace(rules, attribution=attribution)
    topology = Topology(draw(seed), patient, seed)
    topology.run_disturbed(faults=seed)
    decided = [
        json.decode(record.value or b"")
        for p in range(topology.scenario.partitions)
        for record in topology.log.committed((topics.ATTRIBUTIONS.name, p))
    ]
    assert any(row["version"] == 1 for row in decided)
    assert [row for row in decided if row["reason"] == "read_later"] == []
