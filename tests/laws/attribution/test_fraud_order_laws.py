"""Final fraud tags depend on what happened, not on when it arrived.

Claims and touchpoints of several sites arrive in any order within the maximum lateness. Once their
days are complete, the same installs are tagged for the same reasons; a real flood is among them.
"""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.rules.rules import Rules
from schemas.outcomes import FraudVerdict
from schemas.records import SiteFrame, SiteInstall, SiteTouches, frame_encoder, site_key
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs, Millis
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import stage_upstreams
from streams.stages.common.working_set import stored_expiry
from streams.stages.sites.sites import Sites
from tests.worlds.site_world import MIDNIGHT, claim

DAYS = 12
LATE_MAX = 7 * DAY_MS
SITES = [site_key("app", "north", name) for name in ("honest", "flood", "inject", "small")]
Arrived = tuple[int, SiteInstall | SiteTouches]
_rows = msgspec.json.Decoder(FraudVerdict)


def world(chance: random.Random, installs: int = 60) -> list[SiteInstall | SiteTouches]:
    """What happened, in order: installs of four sites over some days, and the clicks they show."""
    found: list[SiteInstall | SiteTouches] = []
    for number in range(installs * DAYS // 4):
        found += [_claim(chance, f"{site[-6:]}{number}", site) for site in SITES[:3]]
    for day in range(DAYS):
        for site, clicks in zip(SITES, (400, 6_000, 400, 40), strict=True):
            found.append(SiteTouches(site, 0, clicks, 0, MIDNIGHT // DAY_MS + day))
    return found


def _claim(chance: random.Random, name: str, site: str) -> SiteInstall:
    time = EventMs(MIDNIGHT + int(chance.random() * DAYS * DAY_MS))
    ctit_ms = int(chance.lognormvariate(5, 1.2) * 1_000)
    if site == SITES[1]:
        ctit_ms = int(chance.random() * 6 * DAY_MS)
    if site == SITES[2]:
        ctit_ms = 5_000
    begin = 9_000 if site == SITES[2] else None
    made = claim(name, ctit_ms=ctit_ms, key=site, after_begin_ms=begin)
    return replace(made, time=time, ts=LogMs(time), is_new_device=chance.random() < 0.8)


def delayed(
    happened: list[SiteInstall | SiteTouches], chance: random.Random, lateness: int
) -> list[Arrived]:
    """Every record with a log time of its own, up to `lateness` after it happened."""
    found: list[Arrived] = []
    for record in happened:
        late = int(chance.random() * lateness)
        if isinstance(record, SiteInstall):
            ts = LogMs(record.time + late)
            found.append((ts, replace(record, ts=ts)))
            if chance.random() < 0.3:
                found += _claimed_by_another_first(record, ts, chance, lateness - late)
        else:
            ts = LogMs(record.day * DAY_MS + int(chance.random() * DAY_MS) + late)
            tally = replace(record, hour=ts // HOUR_MS, late=record.clicks if late > HOUR_MS else 0)
            found.append((ts, tally))
    return sorted(found, key=lambda one: one[0])


def _claimed_by_another_first(
    record: SiteInstall, ts: LogMs, chance: random.Random, rest: int
) -> list[Arrived]:
    """Until its own click arrives, the install is claimed by an old click of another site."""
    old = replace(record, key=SITES[3], event_id="old", ctit_ms=Millis(5 * DAY_MS), ts=ts)
    until = LogMs(ts + int(chance.random() * rest))
    return [(ts, old), (until, replace(old, sign=-1))]


def tags(arrived: list[Arrived], *, batch: int = 7) -> set[tuple[str, str, str]]:
    """Site, install and reason of all verdicts in force once every day is complete."""
    stage, state = Sites(0, 1, Rules(), StageObserver()), MemoryStore(stored_expiry)
    upstreams = stage_upstreams("journeys", 1)
    end = MIDNIGHT + (DAYS + 30) * DAY_MS
    lines: list[tuple[int, list[SiteInstall | SiteTouches]]] = []
    for start in range(0, len(arrived), batch):
        part = arrived[start : start + batch]
        lines.append((part[-1][0], [record for _, record in part]))
    lines += [(end, [])]
    latest: dict[tuple[str, str, str], FraudVerdict] = {}
    for offset, (ts, records) in enumerate(lines):
        marks = dict.fromkeys(upstreams, LogMs(ts))
        frame = frame_encoder.encode(SiteFrame(marks, records))
        effects = stage.decide([MemoryRecord("sites", 0, offset, 0, None, frame)], state)
        state.apply(effects.changes, 0)
        for (topic, _), messages in effects.messages.items():
            for message in messages if topic == "fraud-verdicts" else ():
                row = _rows.decode(message.value or b"")
                latest[row.site_id, row.install_id, row.reason] = row
    return {name for name, row in latest.items() if row.sub_reason != "withdrawn"}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_final_tags_do_not_depend_on_the_order_of_arrival(seed: int, batch: int) -> None:
    happened = world(random.Random(seed), 40)
    expected = tags(delayed(happened, random.Random(1), 0))
    for lateness in (DAY_MS, 5 * DAY_MS, LATE_MAX - 1):
        arrived = delayed(happened, random.Random(seed + lateness), lateness)
        assert tags(arrived, batch=batch) == expected


@pytest.mark.parametrize("lateness", [0, 5 * DAY_MS])
def test_a_real_flood_is_found_and_honest_sites_are_not(lateness: int) -> None:
    found = tags(delayed(world(random.Random(5)), random.Random(6), lateness))
    by_site = Counter((site, reason) for site, _, reason in found)
    assert by_site["flood", "click_flood"] > 100
    assert by_site["inject", "distribution_outlier"] > 150
    assert {site for site, _ in by_site} <= {"flood", "inject"}


def test_a_flood_is_found_before_its_days_are_complete_if_touchpoints_are_prompt() -> None:
    stage, state = Sites(0, 1, Rules(), StageObserver()), MemoryStore(stored_expiry)
    arrived = [
        (ts, record)
        for ts, record in delayed(world(random.Random(5)), random.Random(6), 0)
        if ts < MIDNIGHT + 4 * DAY_MS
    ]
    reported: list[str] = []
    for offset, (ts, record) in enumerate(arrived):
        frame = SiteFrame(dict.fromkeys(stage_upstreams("journeys", 1), LogMs(ts)), [record])
        line = MemoryRecord("sites", 0, offset, 0, None, frame_encoder.encode(frame))
        effects = stage.decide([line], state)
        state.apply(effects.changes, 0)
        reported += [topic for topic, _ in effects.messages if topic == "fraud-verdicts"]
    assert reported
