"""Watched devices: who is chosen, and that all is reported once, at the same age."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.matching import touch_index
from attribution.matching.facts import MatchFact
from attribution.matching.sampled_paths import NOT_WATCHED, watched_from
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import key_requests
from attribution.rules.rules import Rules
from schemas.records import (
    ErasureSeen,
    ExposurePath,
    Flag,
    InstallSeen,
    Signal,
    Touch,
    TouchSeen,
    partition_of,
)
from schemas.time import DAY_MS, LogMs
from tests.worlds.clock import DAY, NOON, at, logged_at
from tests.worlds.records import by, click, installed, looked_up, seen, view

KEY = "d:app:somebody"
RULES = Rules(watched_one_in=1, watch_window_ms=10 * DAY_MS)
FOR_EVER = NOON + 400 * DAY_MS
WINDOW, LATE = RULES.watch_window_ms, RULES.late_ms_max

Record = TouchSeen | InstallSeen | ErasureSeen


def touched(touch: Touch) -> TouchSeen:
    return seen(touch, KEY)


def opened(days: float, install_id: str = "i1", *, late_days: float = 0) -> InstallSeen:
    install = installed(days * DAY, ts=(days + late_days) * DAY, install_id=install_id)
    return looked_up(install, KEY)


def index_of(*records: Record) -> TouchIndex:
    index: TouchIndex | None = None
    for record in records:
        match record:
            case TouchSeen():
                index, _ = touch_index.index_touch(index, record, RULES)
            case InstallSeen():
                index, _ = touch_index.index_install(index, record, RULES)
            case ErasureSeen():
                index, _ = key_requests.erase_key(index, record, RULES)
    assert index is not None
    return index


def reported(*records: Record, now: int = FOR_EVER) -> list[ExposurePath]:
    facts: list[MatchFact] = touch_index.close_sampled_paths(
        index_of(*records), KEY, LogMs(now), RULES
    )[1]
    return [fact for fact in facts if isinstance(fact, ExposurePath)]


def test_one_device_of_so_many_is_watched_whatever_its_partition() -> None:
    rules = Rules(watched_one_in=8)
    keys = [f"d:app:{number:x}" for number in range(16_000)]
    watched = [key for key in keys if watched_from(key, rules) != NOT_WATCHED]

    share = Counter(partition_of(key, 4) for key in watched)

    assert all(0.11 < count / 4_000 < 0.14 for count in share.values()), share


def test_click_ids_and_networks_are_nobody_to_watch() -> None:
    assert {watched_from(key, RULES) for key in ("c:app:1", "n:app:x", "e:app:1")} == {NOT_WATCHED}
    assert watched_from(KEY, Rules(watched_one_in=0)) == NOT_WATCHED


def test_who_does_not_install_is_reported_when_the_window_is_over_and_nothing_can_come() -> None:
    records = [touched(view("v", 0)), touched(by(click("c", DAY), "south"))]
    due = NOON + WINDOW + LATE

    assert touch_index.touch_index_due(index_of(*records), RULES) == due
    assert reported(*records, now=due - 1) == []
    (path,) = reported(*records, now=due)

    assert (path.app_id, path.begin_time, path.end_time) == ("app", NOON, NOON + WINDOW)
    assert (path.is_installed, path.prior_installs, path.weight) == (False, 0, 1.0)
    assert [(one.channel, one.is_click) for one in path.touches] == [
        ("north", False),
        ("south", True),
    ]


def test_who_installs_is_reported_at_the_same_age() -> None:
    records: list[Record] = [touched(view("v", 0)), opened(2)]
    due = NOON + WINDOW + LATE

    assert touch_index.touch_index_due(index_of(*records), RULES) == due
    (path,) = reported(*records, now=due)

    assert (path.is_installed, path.end_time) == (True, at(2 * DAY))


def test_what_follows_an_install_is_a_window_of_its_own_that_knows_of_it() -> None:
    touches = [view("v", 0), click("c", 3 * DAY)]
    first, second = reported(*map(touched, touches), opened(2))

    assert [one.is_installed for one in (first, second)] == [True, False]
    assert [one.prior_installs for one in (first, second)] == [0, 1]
    assert second.begin_time == at(3 * DAY)
    assert len(second.touches) == 2  # What was shown before may still work.
    assert first.path_id != second.path_id


def test_what_follows_a_window_is_another_one() -> None:
    days = [0.0, 4.0, 10.0, 19.9, 20.0]
    touches = [click(f"c{day}", day * DAY) for day in days]

    paths = reported(*map(touched, touches))

    assert [path.begin_time for path in paths] == [at(day * DAY) for day in (0, 10, 20)]
    assert [len(path.touches) for path in paths] == [3, 5, 5]


def test_an_install_nobody_was_shown_anything_before_is_no_window() -> None:
    assert reported(opened(1)) == []
    assert touch_index.touch_index_due(index_of(opened(1)), RULES) is None


def test_installs_by_click_id_and_sessions_end_no_window() -> None:
    by_click = looked_up(installed(DAY, install_id="i2"), KEY, Signal.CLICK_ID)
    session = replace(opened(1), ordinal=-1)

    (path,) = reported(touched(view("v", 0)), by_click, session)

    assert not path.is_installed


def test_forged_touchpoints_are_not_told() -> None:
    forged = replace(click("f", 0), flags=Flag.SIGNATURE_INVALID)
    assert reported(touched(forged)) == []
    (path,) = reported(touched(forged), touched(click("c", DAY)))
    assert (path.begin_time, len(path.touches)) == (at(DAY), 1)


def test_after_an_erasure_nothing_from_before_is_told() -> None:
    erased = ErasureSeen(KEY, "r1", logged_at(DAY))
    assert reported(touched(click("c", 0)), erased) == []
    (path,) = reported(touched(click("c", 0)), erased, touched(click("later", 2 * DAY)))
    assert [one.time for one in path.touches] == [at(2 * DAY)]


def test_searches_and_visits_are_told_as_such() -> None:
    flagged = replace(click("c", 0), flags=Flag.SEARCH | Flag.MALFORMED_ID)
    (path,) = reported(touched(flagged))
    assert path.touches[0].flags & Flag.SEARCH


records = st.builds(lambda day, number: touched(click(f"c{number}", day * DAY)),
                    st.floats(0, 40), st.integers(0, 9)) | st.builds(
                        opened, st.floats(0, 40), st.sampled_from(["i1", "i2"]))  # fmt: skip


@given(st.lists(records, max_size=12, unique_by=repr), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_path(drawn: list[Record], chance: Random) -> None:
    """Each device shows each event once here; which copy counts is not what this is about."""
    once = list({_name(record): record for record in drawn}.values())
    shuffled = chance.sample(once, len(once))
    if once:
        assert reported(*once) == reported(*shuffled)


def _name(record: Record) -> str:
    match record:
        case TouchSeen():
            return record.touch.event_id
        case InstallSeen():
            return record.install_id
        case ErasureSeen():
            return record.request_id
