"""What makes a stage raise is set aside; everything else is decided as if it had never been."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack
from msgspec.structs import replace

from attribution.rules.rules import Rules
from schemas.records import (
    MatchFrame,
    MatchRecord,
    MoneySeen,
    StoredFormat,
    frame_encoder,
    match_frames,
)
from schemas.time import HOUR_MS, LogMs
from streams.errors import HeadwaterError
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore, RocksStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import (
    Codec,
    Timers,
    WorkingSet,
    read_at_start,
    stored_due,
    stored_expiry,
)
from streams.stages.contract import Effects, LogRecord, Message, Stage, StateReader, positions_after
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.matching.matching import Matching
from streams.stages.separate.guard import SEPARATE_MESSAGES, GuardedStage
from tests.worlds.clock import NOON
from tests.worlds.records import (
    BAD_SOURCE,
    RULES,
    PoisonedRules,
    account_money,
    answer,
    by,
    click,
    installed,
    looked_up,
    purchase,
    seen,
    session,
    signed_in,
)
from tests.worlds.stage_world import Fed, all_answered, journeyed, records_in, rows, settled

POISON = MoneySeen("c:app:key", purchase())
"""Money under the key of a touchpoint: their states are of two kinds."""
NUMBERS: Codec[int] = Codec(StoredFormat("a number", int), lambda due: due)
DEADLINE = {"matching-0": NOON + 2 * HOUR_MS}


def guarded(create: Callable[[], Stage], state: MemoryStore | None = None) -> Fed:
    state = state or MemoryStore(stored_expiry)
    return Fed(GuardedStage(create, state.entries, 0, StageObserver()), state)


def matching(rules: Rules = RULES) -> Fed:
    return guarded(lambda: Matching(0, 1, rules, StageObserver()))


def journeys(rules: Rules = RULES, state: MemoryStore | None = None) -> Fed:
    observer = StageObserver()
    scorers = Scorers(lambda _: None, observer, ScoringRules())
    return guarded(lambda: Journeys(0, 1, rules, scorers, observer), state)


def frame(offset: int, *records: MatchRecord, clock: int = 0) -> MemoryRecord:
    marks = {name: LogMs(mark) for name, mark in all_answered(clock).items() if clock}
    value = frame_encoder.encode(MatchFrame(marks, list(records)))
    return MemoryRecord("match", 0, offset, NOON, None, value)


def test_a_record_that_raises_is_set_aside_and_those_beside_it_are_decided() -> None:
    touch, lookup = seen(click("c1", -1)), looked_up(installed())
    found = matching().match(touch, POISON, lookup)
    assert records_in(journeyed(found)) == records_in(journeyed(matching().match(touch, lookup)))
    assert sorted(settled(found)) == [
        ("payments", "quarantined", [0]),
        ("touchpoints", "decided", [0]),
    ]
    (row,) = rows(found, "quarantined")
    assert (row["quarantine_id"], row["stage"], row["kind"]) == (
        "match:0:1:1",
        "matching",
        "record",
    )
    assert (row["state_key"], row["app_id"]) == ("c:app:key", "app")
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == (
        "payments",
        0,
        0,
    )
    assert match_frames.decode(base64.b64decode(row["payload"])).records == [POISON]
    assert row["error"] == "AssertionError"
    assert "advance_key" in row["detail"]


def test_the_reason_names_places_in_the_code_and_no_values() -> None:
    stage = journeys(PoisonedRules())
    found = stage.journeys(installed(), answer(by(click("c1", -1), BAD_SOURCE)))
    (row,) = rows(found, "quarantined")
    assert (row["stage"], row["error"]) == ("journeys", "ValueError")
    assert row["detail"].endswith(" policy: no policy of … for …")
    assert "attribution.decision.waterfall" in row["detail"]


def test_a_deadline_that_raises_is_set_aside_once_and_its_install_is_settled() -> None:
    """The install waits for a second answer; at the deadline the first one raises."""
    stage = journeys(PoisonedRules())
    poisonous = answer(by(click("c1", -1), BAD_SOURCE))
    assert not rows(stage.journeys(installed(lookups=2), poisonous), "quarantined")
    found = stage.journeys(watermarks=DEADLINE)
    (row,) = rows(found, "quarantined")
    assert (row["kind"], row["state_key"], row["install_id"]) == ("timer", "j:app:i1", "i1")
    assert settled(found) == [("installs", "quarantined", [0])]

    again = journeys(PoisonedRules(), stage.state)
    later = {"matching-0": DEADLINE["matching-0"] + HOUR_MS}
    assert not rows(again.journeys(watermarks=later), "quarantined")
    (row,) = rows(again.journeys(session("s1", 5)), "quarantined")
    assert row["kind"] == "timer"


def test_a_state_that_cannot_be_read_costs_its_own_records_only() -> None:
    stage = matching()
    stage.state.apply({b"c:app:key": bytes(8) + b"\xc1"}, 0)
    found = stage.match(seen(click("c1", -1)), seen(click("c2", -1), "c:app:other", 1))
    assert sorted(settled(found)) == [
        ("touchpoints", "decided", [1]),
        ("touchpoints", "quarantined", [0]),
    ]
    assert stage.state.get(b"c:app:key") == bytes(8) + b"\xc1"


def test_a_message_that_is_no_frame_is_set_aside_whole() -> None:
    stage = matching()
    whole = frame(2, seen(click("c1", -1)))
    found = stage.decide([MemoryRecord("match", 0, 1, NOON, b"k", b"rubbish"), whole])
    (row,) = rows(found, "quarantined")
    assert (row["kind"], row["quarantine_id"]) == ("frame", "match:0:1")
    assert base64.b64decode(row["payload"]) == b"rubbish"
    assert settled(found) == [("touchpoints", "decided", [0])]
    assert found.positions == {("match", 0): 3}


def test_what_cannot_be_encoded_is_the_fault_of_its_record() -> None:
    """A number that no format can hold is not noticed before the end of the batch."""
    beyond = replace(installed(), flags=1 << 70)
    stage = guarded(lambda: _Numbers())
    records = [_number(0, 1), _number(1, beyond.flags), _number(2, 2)]
    found = stage.decide(records)
    assert found.changes == {b"sum": msgpack.encode(3)}
    assert found.positions == {("match", 0): 3}
    (row,) = rows(found, "quarantined")
    assert row["quarantine_id"] == "match:0:1"


class _Numbers:
    """Adds up numbers, message by message, and knows nothing of setting aside."""

    name = "matching"

    def __init__(self) -> None:
        self.sum = 0
        self.restored = 0

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        for _, value in entries:
            self.sum = msgpack.decode(value)

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = Effects(positions=positions_after(records))
        for record in records:
            self.sum += int(record.value or b"")
            effects.send("out", 0, Message(b"%d" % record.offset, b""))
        effects.changes[b"sum"] = msgpack.encode(self.sum)
        return effects


def _number(offset: int, value: int) -> MemoryRecord:
    return MemoryRecord("match", 0, offset, NOON, None, str(value).encode())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_set_aside_does_not_depend_on_batches(data: st.DataObject) -> None:
    """Also the rest of the state and everything that is spoken is as if the poison had never been,
    save for the rows about it."""
    kinds = data.draw(st.lists(st.sampled_from("tplmwd"), min_size=1, max_size=14))
    log = [_frame_of(offset, kind) for offset, kind in enumerate(kinds)]
    cuts = data.draw(st.lists(st.integers(1, 5), min_size=len(log), max_size=len(log)))
    whole, cut = matching(), matching()
    at_once = [whole.decide(log)]
    in_parts = [cut.decide(part) for part in _parts(log, cuts)]
    assert dict(whole.state.entries()) == dict(cut.state.entries())
    assert _spoken(at_once) == _spoken(in_parts)

    unharmed = matching()
    harmless = [_frame_of(n, "n" if kind == "p" else kind) for n, kind in enumerate(kinds)]
    expected = [unharmed.decide(harmless)]
    assert dict(unharmed.state.entries()) == dict(whole.state.entries())
    assert _spoken(expected) == _spoken(at_once, without="quarantined")


def _frame_of(offset: int, kind: str) -> MemoryRecord:
    records: dict[str, list[MatchRecord]] = {
        "t": [seen(click(f"c{offset}", -1), offset=offset)],
        "p": [replace(POISON, key="u:app:user") if offset % 2 else POISON],
        "l": [looked_up(installed(install_id=f"i{offset}"))],
        "m": [replace(account_money(purchase(f"t{offset}")), key="u:app:user")],
        "w": [replace(signed_in("i1", offset), key="u:app:user")],
        "d": [],
        "n": [],
    }
    first = [seen(click("c", -1), offset=99), replace(signed_in("i0", -5), key="u:app:user")]
    return frame(
        offset,
        *(first if offset == 0 else ()),
        *records[kind],
        clock=NOON + offset * 24 * HOUR_MS if kind == "d" else 0,
    )


def _parts(log: Sequence[MemoryRecord], cuts: Iterable[int]) -> Iterator[Sequence[MemoryRecord]]:
    start = 0
    for cut in cuts:
        if start < len(log):
            yield log[start : start + cut]
        start += cut


def _spoken(effects: Iterable[Effects], without: str = "") -> list[Any]:
    """Records and rows in a bag; the ledger by offset, because batches group it."""
    spoken: list[Any] = []
    for one in effects:
        spoken += [repr(record) for record in records_in(journeyed(one))]
        for topic in ("parked", "exposures", "fraud-verdicts", "quarantined"):
            if topic != without:
                spoken += [repr(row) for row in rows(one, topic)]
        spoken += [
            repr((topic, fate, offset))
            for topic, fate, offsets in settled(one)
            for offset in offsets
            if fate != without
        ]
    return sorted(spoken)


class _Broken(MemoryStore):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        raise self._error


@pytest.mark.parametrize(
    "error", [OSError("disk"), MemoryError(), HeadwaterError("told"), RuntimeError("rocks")]
)
def test_a_machine_that_fails_is_nobodys_record(error: Exception) -> None:
    """RocksDB raises plain errors; a state that cannot be read is an error that says so."""
    stage = guarded(lambda: Matching(0, 1, RULES, StageObserver()), _Broken(error))
    with pytest.raises(HeadwaterError if isinstance(error, RuntimeError) else type(error)):
        stage.match(seen(click("c1", -1)))


def test_a_stage_is_built_anew_once_for_many_batches_that_raise() -> None:
    """A producer with a bad release costs what it sends, not the reading of all state."""
    built = 0

    def create() -> Stage:
        nonlocal built
        built += 1
        return Matching(0, 1, RULES, StageObserver())

    stage = guarded(create)
    stage.match(seen(click("c1", -1)))
    for _ in range(50):
        assert rows(stage.match(POISON), "quarantined")
    assert built == 2
    stage.decide([frame(100 + offset) for offset in range(SEPARATE_MESSAGES)])
    stage.match(POISON)
    assert built == 3


def test_keys_that_expired_in_a_batch_that_raised_are_forgotten_all_the_same() -> None:
    """A store names them once."""
    stage = matching()
    stage.match(seen(click("c1", -1)), seen(click("c2", -1), "c:app:other", 1))
    late = frame(1, clock=NOON + 500 * 24 * HOUR_MS)
    stage.decide([late, frame(2, seen(click("c3", -1)), POISON)])
    assert stage.state.get(b"c:app:other") is None


DUES = {b"near": 6, b"far": 9 * HOUR_MS}


class Halting:
    """A stage with timers that cannot separate its records: it raises at one of them."""

    name = "matching"

    def __init__(self) -> None:
        self.timers = Timers()

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        self.timers.restore(read_at_start(entries))

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        states = WorkingSet(NUMBERS, self.timers, state)
        effects = Effects(positions=positions_after(records))
        for record in records:
            if record.value == b"poison":
                raise ValueError("a bug")
            if record.value:
                states.get(record.value)
                states.put(record.value, DUES[record.value])
            for key in self.timers.pop_due(LogMs(record.timestamp - 1)):
                effects.send("out", 0, Message(key, b""))
                states.put(key, None)
        effects.changes = states.changes()
        return effects


def test_timers_that_were_set_before_a_poisoned_message_fire_also_where_the_disk_keeps_them(
    tmp_path: Path,
) -> None:
    store = RocksStore(tmp_path / "0", stored_expiry, stored_due)
    stage = GuardedStage(Halting, store.entries, 0, StageObserver())
    stage.restore(store.entries())
    batch = [(5, b"near"), (5, b"far"), (6, b"poison"), (7, b"")]
    fired: list[bytes | None] = []
    for messages in (batch, [(8, b"")], [(10 * HOUR_MS, b"")]):
        records = [
            MemoryRecord("match", 0, offset, ts, None, value)
            for offset, (ts, value) in enumerate(messages)
        ]
        effects = stage.decide(records, store)
        store.apply(effects.changes, 1)
        fired += [message.key for message in effects.messages.get(("out", 0), ())]
    assert fired == [b"near", b"far"]
    store.close()
