"""States of one decision, and the timers of all states."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.records import StoredFormat
from schemas.time import LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.working_set import DUE_BYTES, WATERMARKS_KEY, Codec, Timers, WorkingSet


def test_the_timer_due_first_comes_first() -> None:
    timers = Timers()
    timers.set(b"late", 9)
    timers.set(b"early", 3)
    assert timers.pop_due(LogMs(9)) == [b"early", b"late"]


def test_a_timer_is_not_due_before_its_time_and_fires_once() -> None:
    timers = Timers()
    timers.set(b"k", 5)
    assert timers.pop_due(LogMs(4)) == []
    assert timers.pop_due(LogMs(5)) == [b"k"]
    assert timers.pop_due(LogMs(5)) == []


def test_the_latest_setting_of_a_timer_counts() -> None:
    timers = Timers()
    timers.set(b"k", 5)
    timers.set(b"k", 9)
    assert timers.pop_due(LogMs(8)) == []
    timers.set(b"k", 0)
    assert timers.pop_due(LogMs(99)) == []
    assert len(timers) == 0


settings_of_timers = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 9)))


@given(settings_of_timers, st.integers(0, 9))
def test_timers_are_a_dict_that_gives_up_what_is_due_in_order(
    settings: list[tuple[bytes, int]], now: int
) -> None:
    timers, plain = Timers(), dict[bytes, int]()
    for key, due in settings:
        timers.set(key, due)
        plain[key] = due
    fired = timers.pop_due(LogMs(now))
    expected = {key: due for key, due in plain.items() if 0 < due <= now}
    assert sorted(expected, key=lambda key: (expected[key], key)) == fired
    assert len(timers) == sum(due > now for due in plain.values())


State = list[int]
CODEC: Codec[State] = Codec(StoredFormat("a state", State), lambda state: state[0])


def test_changes_carry_when_their_state_is_due_so_timers_can_be_restored() -> None:
    timers, store = Timers(), MemoryStore()
    states = WorkingSet(CODEC, timers, store)
    states.put(b"k", [7, 1])
    changes = states.changes()
    value = changes[b"k"]
    assert value is not None
    assert int.from_bytes(value[:DUE_BYTES]) == 7
    restored = Timers()
    restored.restore([(b"k", value), (WATERMARKS_KEY, b"anything")])
    assert restored.pop_due(LogMs(7)) == [b"k"]


def test_a_state_is_read_once_and_what_was_put_is_what_is_got() -> None:
    store = MemoryStore()
    first = WorkingSet(CODEC, Timers(), store)
    first.put(b"k", [7])
    store.apply(first.changes(), 0)
    second = WorkingSet(CODEC, Timers(), store)
    second.load([b"k", b"unknown"])
    assert (second.get(b"k"), second.get(b"unknown")) == ([7], None)
    second.put(b"k", None)
    assert second.get(b"k") is None
    assert second.changes() == {b"k": None}


def test_what_was_only_read_is_no_change() -> None:
    store = MemoryStore()
    states = WorkingSet(CODEC, Timers(), store)
    states.get(b"k")
    assert states.changes() == {}
