"""Matching answers journeys, routes money, and fires deadlines by the watermarks in its log."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from attribution.matching.account_state import AccountState, Link
from attribution.matching.shared_keys import SharedPeriod
from attribution.matching.transaction_state import TransactionBefore
from attribution.rules.rules import Rules
from schemas.records import (
    AccessSeen,
    AccountMoney,
    Candidates,
    ChoiceSeen,
    ErasureSeen,
    MatchRecord,
    MoneyKind,
    MoneyRouted,
    MoneySeen,
    Step,
)
from schemas.time import HOUR_MS, EventMs, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import AnswerMarks, source_upstreams
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects
from streams.stages.matching.matching import Matching
from streams.stages.personal.access_request import access_answers
from tests.worlds.clock import NOON
from tests.worlds.records import (
    RULES,
    account_money,
    booked,
    click,
    installed,
    looked_up,
    purchase,
    refund,
    seen,
    signed_in,
)
from tests.worlds.stage_world import (
    Fed,
    all_answered,
    journeyed,
    matched,
    records_in,
    rows,
    settled,
)

PARKED = account_money(purchase())
DEADLINE = PARKED.deadline


def matching(state: MemoryStore | None = None, partitions: int = 1) -> Fed:
    return Fed(Matching(0, partitions, RULES, StageObserver()), state)


def clocks(log_time: int, partitions: int = 1) -> dict[str, int]:
    return dict.fromkeys(source_upstreams(partitions), log_time)


def expired(effects: Effects) -> bool:
    return ("payments", "expired", [0]) in settled(effects)


def test_a_lookup_is_answered_to_the_journey_of_its_install() -> None:
    stage = matching()
    stage.match(seen(click("c1", -1)))
    (answer,) = records_in(journeyed(stage.match(looked_up(installed()))))
    assert isinstance(answer, Candidates)
    assert (answer.install_id, [touch.event_id for touch in answer.touches]) == ("i1", ["c1"])


def test_one_decision_sees_what_earlier_records_of_the_same_batch_changed() -> None:
    effects = matching().match(seen(click("c1", -1)), seen(click("c1", -1), offset=3))
    assert settled(effects) == [("touchpoints", "decided", [0]), ("touchpoints", "duplicate", [3])]


def test_account_money_is_looked_up_under_its_account_on_another_partition() -> None:
    money = purchase()
    effects = matching(partitions=3).match(MoneySeen("t:app:t1", money))
    assert records_in(matched(effects)) == [
        AccountMoney("user", booked(money), money.time, money.ts + RULES.parking_ms)
    ]


def test_parked_money_is_told_of_and_found_by_a_later_link() -> None:
    stage = matching()
    parked = stage.match(PARKED)
    assert [(row["state"], row["waits_for"]) for row in rows(parked, "parked")] == [
        ("parked", "account")
    ]
    assert settled(parked) == [("payments", "parked", [0])]
    found = stage.match(signed_in("i1", 1))
    assert [type(one) for one in records_in(journeyed(found))] == [MoneyRouted]
    assert [row["state"] for row in rows(found, "parked")] == ["released"]


def test_parked_money_expires_once_every_source_has_passed_its_deadline() -> None:
    stage = matching()
    stage.match(PARKED)
    almost = clocks(DEADLINE + 1) | {"costs-0": DEADLINE}
    assert not expired(stage.match(watermarks=almost))
    assert expired(stage.match(watermarks={"costs-0": DEADLINE + 1}))
    assert not expired(stage.match(watermarks=clocks(DEADLINE + 9_999)))


def test_records_of_a_frame_come_before_the_watermark_it_carries() -> None:
    stage = matching()
    stage.match(PARKED)
    effects = stage.match(signed_in("i1", 1), watermarks=clocks(DEADLINE + 1))
    assert not expired(effects)
    assert [type(one) for one in records_in(journeyed(effects))] == [MoneyRouted]


def test_money_that_arrives_after_its_deadline_is_not_left_waiting() -> None:
    stage = matching()
    stage.match(watermarks=clocks(DEADLINE + 1))
    assert expired(stage.match(PARKED))


def test_deadlines_survive_a_restart() -> None:
    before = matching()
    before.match(PARKED, watermarks=clocks(DEADLINE))
    after = matching(before.state)
    assert expired(after.match(watermarks=dict.fromkeys(clocks(0), DEADLINE + 1)))


def test_log_time_survives_a_restart() -> None:
    before = matching()
    before.match(watermarks=clocks(DEADLINE + 1))
    assert expired(matching(before.state).match(PARKED))


def test_journeys_hear_of_a_log_time_only_when_every_matching_partition_has_reached_it() -> None:
    stage = matching(partitions=2)
    output = stage.match(watermarks=clocks(NOON, partitions=2))
    assert [frame.watermarks for frame in matched(output)] == [{"matching-0": NOON}] * 2
    assert [frame.watermarks for frame in journeyed(output)] == [{"read-0": NOON}] * 2
    assert journeyed(stage.match(watermarks={"matching-0": NOON})) == []
    settled_by_all = stage.match(watermarks={"matching-1": NOON})
    assert [frame.watermarks for frame in journeyed(settled_by_all)] == [{"matching-0": NOON}] * 2


def test_a_watermark_of_its_own_does_not_make_matching_talk_to_itself_for_ever() -> None:
    stage = matching()
    stage.match(watermarks=clocks(NOON))
    stage.match(watermarks={"matching-0": NOON})
    assert stage.match(watermarks={"matching-0": NOON}).messages == {}


def test_batch_boundaries_change_neither_state_nor_outcomes() -> None:
    records: list[MatchRecord] = [seen(click("c1", -1)), PARKED]
    records += [looked_up(installed()), signed_in("i1", 1)]
    together, apart = matching(), matching()
    whole = together.match(*records)
    parts = [apart.match(record) for record in records]
    assert dict(together.state.entries()) == dict(apart.state.entries())
    output = [one for part in parts for one in records_in(journeyed(part))]
    assert output == records_in(journeyed(whole))


def test_nothing_is_forgotten_before_what_other_keys_send_on_is_read() -> None:
    stage = matching(MemoryStore(stored_expiry))
    stage.match(seen(click("c1", -1), "first"))
    useless = click("c1", -1).ts + RULES.touch_retention_ms + HOUR_MS
    stage.match(watermarks=clocks(useless) | {"matching-0": NOON})
    assert b"first" in dict(stage.state.entries())
    stage.match(watermarks=all_answered(useless))
    assert b"first" not in dict(stage.state.entries())


def test_nothing_is_forgotten_before_what_other_keys_are_asked_is_answered() -> None:
    """Where log time leaps, the answer to a restore comes after the marks of whoever asked."""
    stage = matching(MemoryStore(stored_expiry))
    stage.match(seen(click("c1", -1), "first"))
    useless = click("c1", -1).ts + RULES.touch_retention_ms + HOUR_MS
    last = AnswerMarks(0, 1).names[-1]
    stage.match(watermarks=all_answered(useless) | {last: NOON})
    assert b"first" in dict(stage.state.entries())
    stage.match(watermarks={last: useless})
    assert b"first" not in dict(stage.state.entries())


def test_a_touchpoint_is_forgotten_when_no_install_can_be_credited_to_it_any_more() -> None:
    stage = matching(MemoryStore(stored_expiry))
    stage.match(seen(click("c1", -1), "first"))
    stage.match(seen(click("c2", -1, ts=600), "second"), watermarks=clocks(NOON))
    useless = click("c1", -1).ts + RULES.touch_retention_ms
    stage.match(watermarks=all_answered(useless - HOUR_MS))
    assert {b"first", b"second"} <= dict(stage.state.entries()).keys()
    stage.match(watermarks=all_answered(useless + HOUR_MS))
    assert b"first" not in dict(stage.state.entries())
    assert b"second" in dict(stage.state.entries())


def test_matching_tells_every_journeys_partition_up_to_where_it_has_read_touchpoints() -> None:
    stage = matching(partitions=2)
    stage.match(watermarks=clocks(NOON, partitions=2))
    asked = {"asked-1": NOON + 100, "installs-1": NOON + 100, "touchpoints-0": NOON + 101}
    assert journeyed(stage.match(watermarks=asked)) == []
    rest = {"touchpoints-1": NOON + 120, "installs-0": NOON + 110, "installs-1": NOON + 110}
    marks = journeyed(stage.match(watermarks=rest))
    assert [frame.watermarks for frame in marks] == [{"read-0": NOON + 101}] * 2


def test_a_transaction_is_forgotten_only_long_after_its_last_step() -> None:
    stage = matching(MemoryStore(stored_expiry))
    paid = purchase(install_id="i1")
    stage.match(MoneySeen("t:app:t1", paid))
    stage.match(MoneySeen("t:app:t1", purchase(ts=60, install_id="i1")))
    useless = paid.ts + HOUR_MS + RULES.transaction_retention_ms
    stage.match(watermarks=all_answered(useless - HOUR_MS))
    assert b"t:app:t1" in dict(stage.state.entries())
    stage.match(watermarks=all_answered(useless + HOUR_MS))
    assert b"t:app:t1" not in dict(stage.state.entries())


def test_an_impression_is_forgotten_sooner() -> None:
    stage = matching(MemoryStore(stored_expiry))
    shown = replace(purchase(install_id="i1"), kind=MoneyKind.AD_REVENUE, step=Step.AD_REVENUE)
    stage.match(MoneySeen("i:app:t1", shown))
    useless = shown.ts + RULES.impression_retention_ms
    stage.match(watermarks=all_answered(useless - HOUR_MS))
    assert b"i:app:t1" in dict(stage.state.entries())
    stage.match(watermarks=all_answered(useless + HOUR_MS))
    assert b"i:app:t1" not in dict(stage.state.entries())


def test_a_transaction_stored_by_an_earlier_version_is_still_counted_once() -> None:
    stage = matching()
    paid = purchase(install_id="i1")
    before = TransactionBefore(purchase=paid, refund_ids=["t1:refund:r1"])
    stage.state.apply({b"t:app:t1": bytes(8) + msgspec.msgpack.encode(before)}, 0)
    effects = stage.match(MoneySeen("t:app:t1", paid), MoneySeen("t:app:t1", refund("r1", 1)))
    assert [one[1] for one in settled(effects)] == ["duplicate"]
    followed = stage.match(MoneySeen("t:app:t1", refund("r2", 2)))
    assert [type(one) for one in records_in(journeyed(followed))] == [MoneyRouted]


def test_a_request_to_be_forgotten_is_told_what_its_key_knew() -> None:
    stage = matching()
    stage.match(replace(signed_in("i1", -1), key="u:app:jane"))
    asked = ErasureSeen("u:app:jane", "r1", LogMs(NOON + HOUR_MS))
    (receipt,) = rows(stage.match(asked), "privacy-receipts")
    assert (receipt["result"], receipt["found"]) == ("found", {"installs": 1})
    assert (receipt["subject_request_id"], receipt["place"]) == ("r1", "matching")

    (nobody,) = rows(matching().match(asked), "privacy-receipts")
    assert (nobody["result"], nobody["found"]) == ("nothing_found", {})


def test_who_asks_for_access_hears_of_installs_and_bookings_and_nothing_changes() -> None:
    stage = matching()
    stage.match(replace(signed_in("i1", -1), key="u:app:jane"))
    before = dict(stage.state.entries())
    asked = AccessSeen("u:app:jane", "r1", LogMs(NOON + HOUR_MS))
    answers = rows(stage.match(asked), "privacy-receipts")
    assert [(one["subject_type"], one["subject_key"], one["result"]) for one in answers] == [
        ("account", "u:app:jane", "found"),
        ("install_id", "i1", "linked"),
    ]
    assert {one["place"] for one in answers} == {"access"}
    assert dict(stage.state.entries()) == before

    (nobody,) = rows(matching().match(asked), "privacy-receipts")
    assert nobody["result"] == "nothing_found"


def test_a_key_that_many_share_gives_nobody_out() -> None:
    seen = AccessSeen("u:app:family", "r1", LogMs(NOON))
    links = [Link(f"i{number}", EventMs(NOON), LogMs(NOON)) for number in range(3)]
    shared = AccountState(links=links, shared=SharedPeriod(LogMs(1), LogMs(2)))
    (answer,) = access_answers(seen, shared, Rules())
    assert (answer.result, answer.subject_type) == ("shared", "account")
    assert len(list(access_answers(seen, AccountState(links=links), Rules()))) == 4
    few = Rules(installs_per_request_max=2)
    (answer,) = access_answers(seen, AccountState(links=links), few)
    assert answer.result == "shared", "an erasure by it would concern nobody"


def test_who_is_forgotten_stays_opted_out_and_their_touchpoints_go_all_the_same() -> None:
    stage, rules = matching(), Rules()
    stage.match(seen(click("c1", -1), "d:app:phone"))
    out = ChoiceSeen("d:app:phone", "r1", LogMs(NOON), is_refused=True)
    stage.match(out, ErasureSeen("d:app:phone", "r2", LogMs(NOON + 1)))
    state = b"d:app:phone"
    stage.match(watermarks=all_answered(NOON + rules.late_ms_max - HOUR_MS))
    assert b"c1" in dict(stage.state.entries())[state]
    stage.match(watermarks=all_answered(NOON + rules.late_ms_max + HOUR_MS))
    assert b"c1" not in dict(stage.state.entries())[state]
    assert b"r1" in dict(stage.state.entries())[state]
