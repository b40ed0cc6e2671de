"""What another rule set would change, counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import json

from schemas import topics
from streams.replay.compare import (
    NOBODY,
    UNDECIDED,
    Channel,
    Comparison,
    Placed,
    Side,
    changed,
    reason_of,
    side_of,
)
from streams.replay.memory_log import MemoryRecord
from streams.replay.tally import Tally

HOUR = 3_600_000


def row(install_id: str, channel: str, conversion_id: str = "", **fields: object) -> Placed:
    """An install at time 0 that `channel` ("source/campaign") gets."""
    media_source, _, campaign_id = channel.partition("/")
    row: dict[str, object] = {
        "conversion_id": conversion_id or install_id,
        "app_id": "app",
        "install_id": install_id,
        "version": 1,
        "conversion_type": "reengagement" if conversion_id else "install",
        "status": "reengaged" if conversion_id else "non_organic",
        "conversion_time": 0,
        "expires_at": 0,
        "prior_install_id": "",
        "touch_id": f"touch {channel}",
        "media_source": media_source,
        "campaign_id": campaign_id,
        "candidates": "[]",
    }
    return Placed(**(row | fields))  # type: ignore[arg-type]  # Each test knows its types.


def side(rows: list[Placed], money: Sequence[tuple[str, int, int]] = ()) -> Side:
    """Money is (install, time in hours, micros), all in USD."""
    found = Tally(Placed)
    found.take(topics.ATTRIBUTIONS.name, [_record(one) for one in rows])
    bookings = [
        {
            "booking_id": f"b{number}",
            "app_id": "app",
            "install_id": install_id,
            "event_time": hours * HOUR,
            "currency": "USD",
            "amount_micros": micros,
        }
        for number, (install_id, hours, micros) in enumerate(money)
    ]
    found.take(topics.REVENUE.name, [_record(one) for one in bookings])
    return side_of(found, "rules")


def _record(value: object) -> MemoryRecord:
    return MemoryRecord("", 0, 0, 0, None, json.encode(value))


def micros_of(found: Side) -> dict[str, int]:
    total: Counter[str] = Counter()
    for booked in found.money.values():
        total[booked.channel.media_source] += booked.amount_micros
    return dict(total)


def test_the_highest_version_counts_in_whatever_order_versions_come() -> None:
    newer, older = row("i", "north/2", version=2), row("i", "north/1")
    assert side([newer, older]).credits == side([older, newer]).credits
    assert side([older, newer]).credits["app", "i"].channel == Channel("north", "2")


def test_money_follows_a_reengagement_while_it_lasts() -> None:
    back = row("i", "south/1", "i~t", conversion_time=5 * HOUR, expires_at=10 * HOUR)
    money = [("i", 4, 1), ("i", 5, 10), ("i", 9, 100), ("i", 10, 1_000)]
    assert micros_of(side([row("i", "north/1"), back], money)) == {"north": 1_001, "south": 110}


def test_the_newer_of_two_reengagements_gets_the_money() -> None:
    first = row("i", "south/1", "i~a", conversion_time=5 * HOUR, expires_at=10 * HOUR)
    second = row("i", "west/1", "i~b", conversion_time=7 * HOUR, expires_at=12 * HOUR)
    found = side([row("i", "north/1"), first, second], [("i", 8, 1)])
    assert micros_of(found) == {"west": 1}


def test_a_withdrawn_reengagement_gets_nothing() -> None:
    times = {"conversion_time": HOUR, "expires_at": 9 * HOUR}
    back = row("i", "south/1", "i~t", **times)
    gone = row("i", "south/1", "i~t", version=2, status="withdrawn", **times)
    found = side([row("i", "north/1"), back, gone], [("i", 2, 5)])
    assert micros_of(found) == {"north": 5}
    assert list(found.credits) == [("app", "i")]


def test_money_falls_back_to_the_install_before_when_a_reattribution_expires() -> None:
    again = row("j", "south/1", prior_install_id="i", expires_at=3 * HOUR)
    found = side([row("i", "north/1"), again], [("j", 2, 1), ("j", 3, 10)])
    assert micros_of(found) == {"south": 1, "north": 10}


def test_money_ahead_of_its_decision_belongs_to_nobody_yet() -> None:
    assert micros_of(side([], [("i", 1, 7)])) == {UNDECIDED: 7}


def compared() -> Comparison:
    money = [("a", 1, 100), ("b", 1, 40), ("b", 2, -15), ("c", 1, 7)]
    before = side([row("a", "north/1"), row("b", "north/1"), row("c", "west/9")], money)
    after = side([row("a", "north/1"), row("b", "organic/"), row("c", "west/9")], money)
    return Comparison(before, after, Counter({("excludes", "outside_click_window"): 1}))


def test_only_installs_of_another_channel_have_changed() -> None:
    assert changed(compared().in_force, compared().other) == [("app", "b")]


def test_moves_name_both_channels_with_installs_and_money() -> None:
    found = compared().as_json()
    assert found["moves"] == [
        {
            "from": {"media_source": "north", "campaign_id": "1"},
            "to": {"media_source": "organic", "campaign_id": ""},
            "installs": 1,
            "reengagements": 0,
            "micros": {"USD": 25},
        }
    ]
    assert found["installs_changed"] == 1
    assert found["money_moved_micros"] == {"USD": 25}


def test_channels_sum_to_the_same_money_under_both_rule_sets() -> None:
    channels = compared().as_json()["channels"]
    for name in ("in_force", "other"):
        assert sum(one[name]["installs"] for one in channels) == 3
        assert sum(one[name]["micros"].get("USD", 0) for one in channels) == 132


def test_what_only_one_rule_set_finds_comes_from_nobody() -> None:
    back = row("a", "south/1", "a~t", conversion_time=HOUR, expires_at=2 * HOUR)
    found = Comparison(side([row("a", "north/1")]), side([row("a", "north/1"), back]), Counter())
    assert [(old, new) for old, new, _ in found.moves()] == [
        (Channel(NOBODY, ""), Channel("south", "1"))
    ]
    assert found.as_json()["reengagements_changed"] == 1


def receipts(*lines: tuple[str, str, str]) -> str:
    names = ("touch_id", "verdict", "rule")
    return json.encode([dict(zip(names, line, strict=True)) for line in lines]).decode()


def test_the_reason_is_the_rule_that_now_rejects_who_had_the_credit() -> None:
    before, after = side([row("i", "north/1")]), side([row("i", "organic/", touch_id="")])
    new = receipts(("touch north/1", "rejected", "outside_click_window"))
    reason = reason_of(before.credits["app", "i"], after.credits["app", "i"], "[]", new)
    assert reason == ("excludes", "outside_click_window")


def test_the_reason_is_the_rule_that_no_longer_rejects_who_gets_it() -> None:
    before, after = side([row("i", "north/1")]), side([row("i", "south/1")])
    old = receipts(("touch south/1", "rejected", "probabilistic_off"))
    new = receipts(("touch north/1", "outranked", "later_touch"))
    reason = reason_of(before.credits["app", "i"], after.credits["app", "i"], old, new)
    assert reason == ("admits", "probabilistic_off")
