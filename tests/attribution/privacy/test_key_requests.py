"""A request reaches the person who asks, in few installs or many, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from attribution.matching import accounts, touch_index
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import erased_installs, key_requests
from attribution.rules.rules import Rules
from schemas.records import (
    FOR_REQUESTS,
    AccountLinked,
    Candidates,
    ChoiceMade,
    ChoiceSeen,
    Erased,
    ErasureSeen,
    InstallSeen,
    LinksCut,
    Signal,
    TouchSeen,
)
from schemas.time import LogMs
from tests.worlds.clock import DAY, logged_at
from tests.worlds.records import click, installed, looked_up, seen, signed_in

RULES = Rules()
MANY = RULES.installs_per_request_max
Record = TouchSeen | InstallSeen | ErasureSeen | ChoiceSeen


def tell(*records: Record, rules: Rules = RULES) -> list[MatchFact]:
    """What a device key says of these records."""
    index: TouchIndex | None = None
    facts: list[MatchFact] = []
    for record in records:
        match record:
            case TouchSeen():
                index, found = touch_index.index_touch(index, record, rules)
            case InstallSeen():
                index, found = touch_index.index_install(index, record, rules)
            case ErasureSeen():
                index, found = key_requests.erase_key(index, record, rules)
            case ChoiceSeen():
                index, found = key_requests.choose_by_key(index, record, rules)
        facts += found
    return facts


def of_account(*records: AccountLinked | ErasureSeen | ChoiceSeen) -> list[MatchFact]:
    account: AccountState | None = None
    facts: list[MatchFact] = []
    for record in records:
        match record:
            case AccountLinked():
                account, found = accounts.link_account(account, record, RULES)
            case ErasureSeen():
                account, found = key_requests.erase_account(account, record, RULES)
            case ChoiceSeen():
                account, found = key_requests.choose_by_account(account, record, RULES)
        facts += found
    return facts


def met(number: int, minutes: float) -> InstallSeen:
    return looked_up(installed(minutes, install_id=f"i{number}"))


def asked(minutes: float, request_id: str = "r") -> ErasureSeen:
    return ErasureSeen("key", request_id, logged_at(minutes))


def chosen(minutes: float, request_id: str = "r", *, is_refused: bool = True) -> ChoiceSeen:
    return ChoiceSeen("key", request_id, logged_at(minutes), is_refused)


def reached(facts: Sequence[MatchFact]) -> set[str]:
    return {fact.install_id for fact in facts if isinstance(fact, Erased | ChoiceMade)}


def test_the_tablet_of_a_family_is_forgotten_with_all_its_installs() -> None:
    family = [met(n, n * DAY) for n in range(MANY)]
    assert reached(tell(*family, asked(99 * DAY))) == {f"i{n}" for n in range(MANY)}


@pytest.mark.parametrize("request_", [asked(99 * DAY), chosen(99 * DAY)])
def test_an_id_of_more_installs_than_a_person_has_reaches_nobody(
    request_: ErasureSeen | ChoiceSeen,
) -> None:
    many = [met(n, n * DAY) for n in range(MANY + 1)]
    facts = tell(*many, request_, met(99, 50 * DAY), met(100, 100 * DAY))
    assert not reached(facts)
    assert not [fact for fact in facts if isinstance(fact, LinksCut)]


def test_an_id_that_was_too_busy_once_reaches_nobody_ever() -> None:
    """Of thousands of installs a key remembers a few only; that it was busy, it remembers."""
    busy = [met(n, n) for n in range(4_000)]
    later = [met(n, (n - 4_000) * 2 * DAY + 99 * DAY) for n in range(4_000, 4_003)]
    assert not reached(tell(*busy, *later, asked(200 * DAY)))


def test_an_account_of_guests_reaches_nobody() -> None:
    links = [signed_in(f"i{n}", n) for n in range(40)]
    assert not reached(of_account(*links, asked(99)))
    assert reached(of_account(*links[:3], asked(99))) == {"i0", "i1", "i2"}


def test_the_same_request_again_does_not_reach_who_came_back() -> None:
    """A redelivered request, or one that a dump brings again, is not another one."""
    back = met(2, 60)
    again = tell(met(1, 0), asked(30), back, asked(90))
    assert reached(again) == {"i1"}
    anew = tell(met(1, 0), asked(30), back, asked(90, "another"))
    assert reached(anew) == {"i1", "i2"}
    assert reached(of_account(signed_in("i1", 0), asked(30), signed_in("i2", 60), asked(90))) == {
        "i1"
    }


def test_who_forbids_to_match_by_the_id_is_reached_by_requests_all_the_same() -> None:
    install = installed(0)
    withheld = looked_up(install, signal=Signal.WITHHELD, ordinal=FOR_REQUESTS)
    records = seen(click("c", -5)), withheld, seen(click("d", -4)), met(2, 30)
    facts = tell(*records, asked(60), chosen(61, "c"))
    assert [type(one) for one in facts if getattr(one, "install_id", "") == "i1"] == [
        Erased,
        ChoiceMade,
    ]
    (answer,) = [one for one in facts if isinstance(one, Candidates)]
    assert (answer.install_id, answer.priors) == ("i2", [])


def test_an_opt_out_is_known_before_the_answer_that_completes_a_decision() -> None:
    facts = tell(seen(click("c", -5)), chosen(-1), met(1, 0))
    kinds = [type(one) for one in facts if getattr(one, "install_id", "") == "i1"]
    assert kinds == [ChoiceMade, Candidates]


def test_an_account_says_what_counts_from_the_link_on() -> None:
    """The opt-out before the link counts from the link on, and an opt-in after it later."""
    out, back = chosen(10), chosen(90, "back", is_refused=False)
    expected = [("r", logged_at(60) - 1, True), ("back", logged_at(90), False)]
    for records in ((out, back, signed_in("i1", 60)), (signed_in("i1", 60), out, back)):
        made = [one for one in of_account(*records) if isinstance(one, ChoiceMade)]
        assert list(dict.fromkeys((one.request_id, one.ts, one.is_refused) for one in made)) == (
            expected
        )


def test_of_very_many_opt_outs_the_oldest_are_forgotten() -> None:
    many = [chosen(n, f"r{n}") for n in range(RULES.choices_per_key_max + 1)]
    assert tell(*many) == [Evicted("choices_per_key_max", 1)]
    assert [one.request_id for one in tell(*many, met(1, 99)) if isinstance(one, ChoiceMade)] == [
        f"r{n}" for n in range(1, RULES.choices_per_key_max + 1)
    ]


def test_an_opt_out_outlives_the_touchpoints_and_installs_of_its_id() -> None:
    index, _ = key_requests.choose_by_key(None, chosen(0), RULES)
    until = erased_installs.touch_index_expires_at(index, RULES)
    assert until == logged_at(0) + RULES.choice_memory_ms
    index, _ = touch_index.index_touch(index, seen(click("c", DAY)), RULES)
    assert erased_installs.touch_index_expires_at(index, RULES) == until + DAY * 60_000


def test_of_who_opted_out_touchpoints_and_installs_are_kept_no_longer_than_of_anybody() -> None:
    index, _ = touch_index.index_touch(None, seen(click("c", -5)), RULES)
    touched = erased_installs.touch_index_expires_at(index, RULES)
    index, _ = key_requests.choose_by_key(index, chosen(1), RULES)
    assert key_requests.contents_due(index, RULES) == touched
    assert key_requests.forget_contents(index, LogMs(touched - 1), RULES) is index
    kept = key_requests.forget_contents(index, LogMs(touched), RULES)
    assert (kept.touches, kept.installs, len(kept.choices)) == ([], [], 1)
    assert key_requests.contents_due(kept, RULES) is None
    until = logged_at(1) + RULES.choice_memory_ms
    assert erased_installs.touch_index_expires_at(kept, RULES) == until


def test_who_is_forgotten_and_has_opted_out_is_remembered_by_the_opt_out_only() -> None:
    index, _ = touch_index.index_touch(None, seen(click("c", -5)), RULES)
    index, _ = touch_index.index_install(index, met(1, 0), RULES)
    index, _ = key_requests.choose_by_key(index, chosen(1), RULES)
    assert (key_requests.contents_due(index, RULES) or 0) > logged_at(2) + RULES.late_ms_max
    index, _ = key_requests.erase_key(index, asked(2), RULES)
    due, expires = logged_at(2) + RULES.late_ms_max, logged_at(2) + RULES.choice_memory_ms
    assert key_requests.contents_due(index, RULES) == due
    assert key_requests.forget_contents(index, LogMs(due - 1), RULES) is index
    index = key_requests.forget_contents(index, LogMs(due), RULES)
    assert (index.touches, index.installs, len(index.choices)) == ([], [], 1)
    assert erased_installs.touch_index_expires_at(index, RULES) == expires


def test_an_account_that_asked_is_kept_for_late_refunds_and_then_forgotten() -> None:
    state, _ = accounts.link_account(None, signed_in("i1", 0), RULES)
    assert erased_installs.account_expires_at(state, RULES) is None
    asking = ErasureSeen(key="u:app:user", request_id="dsr-1", ts=logged_at(5))
    state, _ = key_requests.erase_account(state, asking, RULES)
    # Without money of its own nothing can be paid back.
    assert erased_installs.account_expires_at(state, RULES) == logged_at(5) + RULES.late_ms_max
    state = replace(state, is_without_money=False)
    expected = logged_at(5) + RULES.transaction_retention_ms
    assert erased_installs.account_expires_at(state, RULES) == expected
    back, _ = accounts.link_account(state, signed_in("i2", 9), RULES)
    assert erased_installs.account_expires_at(back, RULES) is None
