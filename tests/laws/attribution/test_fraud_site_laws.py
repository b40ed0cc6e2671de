"""The sites stage decides by its log alone: neither batches nor restarts make a difference."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.rules.rules import Rules
from attribution.sites.history import SiteHistory, aged, count_install, devices, recent
from schemas.records import SiteFrame, SiteInstall, SiteRecord, frame_encoder, site_key
from schemas.time import HOUR_MS, LogMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import stage_upstreams
from streams.stages.common.working_set import stored_expiry
from streams.stages.sites.sites import Sites
from tests.worlds.site_world import DAY, MIDNIGHT, claim, shown

RULES = Rules()
KEYS = [site_key("app", "north", name) for name in ("s1", "s2")]
quick = st.sampled_from((3_000, 5_000, 9_000, 90_000, 40 * HOUR_MS))
claims = st.builds(
    lambda number, hour, ctit_ms, key, fields: claim(
        f"i{number}", hour, ctit_ms=ctit_ms, key=key, **fields
    ),
    st.integers(0, 30),
    st.integers(0, 12),
    quick,
    st.sampled_from(KEYS),
    st.fixed_dictionaries(
        {
            "sign": st.sampled_from((1, 1, 1, -1)),
            "is_new_device": st.booleans(),
            "after_begin_ms": st.sampled_from((None, -60_000, 0, 9_000)),
            "is_rejected": st.booleans(),
        }
    ),
)
records = st.one_of(
    claims,
    claims,
    st.builds(shown, st.integers(0, 40), st.integers(0, 50), key=st.sampled_from(KEYS)),
)
frames = st.lists(
    st.tuples(st.lists(records, max_size=12), st.sampled_from((None, 1, 2, 3, 12, 26, 8 * 24 + 2))),
    max_size=8,
)


def lines(reported: Sequence[tuple[list[SiteRecord], int | None]]) -> list[MemoryRecord]:
    found = []
    for offset, (seen, hour) in enumerate(reported):
        output = dict.fromkeys(
            stage_upstreams("journeys", 1), LogMs(MIDNIGHT + (hour or 0) * HOUR_MS)
        )
        frame = SiteFrame(output if hour is not None else {}, seen)
        found.append(MemoryRecord("sites", 0, offset, 0, None, frame_encoder.encode(frame)))
    return found


def run(
    log: list[MemoryRecord], size: int, *, restarts: bool
) -> tuple[dict[bytes, bytes], list[object]]:
    """State and everything said, with `size` records decided at once."""
    state, output = MemoryStore(stored_expiry), list[object]()
    stage = Sites(0, 2, RULES, StageObserver())
    for start in range(0, len(log), size):
        if restarts:
            stage = Sites(0, 2, RULES, StageObserver())
            stage.restore(state.entries())
        effects = stage.decide(log[start : start + size], state)
        state.apply(effects.changes, 0)
        output += sorted(
            (topic, message.value)
            for (topic, _), messages in effects.messages.items()
            if topic == "fraud-verdicts"
            for message in messages
        )
    return dict(state.entries()), output


@settings(deadline=None, max_examples=60)
@given(frames)
def test_batches_and_restarts_make_no_difference(
    reported: list[tuple[list[SiteRecord], int | None]],
) -> None:
    log = lines(reported)
    state, output = run(log, 1, restarts=False)
    for size, restarts in ((3, False), (100, False), (1, True), (2, True)):
        other_state, other_output = run(log, size, restarts=restarts)
        assert sorted(map(repr, other_output)) == sorted(map(repr, output))
        assert other_state == state


@given(st.lists(claims), st.randoms(use_true_random=False))
def test_what_is_counted_does_not_depend_on_the_order_of_claims(
    seen: list[SiteInstall], chance: random.Random
) -> None:
    in_order, shuffled = SiteHistory(), SiteHistory()
    for one in seen:
        in_order = count_install(in_order, one, LogMs(MIDNIGHT))
    chance.shuffle(seen)
    for one in seen:
        shuffled = count_install(shuffled, one, LogMs(MIDNIGHT))
    assert recent(in_order) == recent(shuffled)
    assert devices(in_order) == devices(shuffled)
    assert in_order.fresh == shuffled.fresh


@given(st.lists(claims))
def test_claims_that_are_all_taken_back_leave_nothing(seen: list[SiteInstall]) -> None:
    history = SiteHistory()
    for one in seen:
        history = count_install(history, replace(one, sign=1), LogMs(MIDNIGHT))
    for one in seen:
        history = count_install(history, replace(one, sign=-1), LogMs(MIDNIGHT))
    assert recent(history) == {}
    assert devices(history) == (0, 0)
    assert history.claimed == 0
    assert aged(history, DAY + 40).past == {}
