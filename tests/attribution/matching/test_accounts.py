"""Which install an account's money belongs to, and how it moves when a link comes later."""

from __future__ import annotations

from attribution.matching import accounts
from attribution.matching.account_state import AccountState
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled
from attribution.rules.rules import Rules
from schemas.records import AccountLinked, AccountMoney, MoneyRouted
from schemas.time import LogMs
from tests.worlds.clock import WEEK
from tests.worlds.records import RULES, account_money, purchase, routed, signed_in

MS = 1 / 60_000
MONEY = purchase()
DEADLINE = MONEY.ts + RULES.parking_ms


def tell(
    *records: AccountLinked | AccountMoney, rules: Rules = RULES
) -> tuple[AccountState, list[MatchFact]]:
    state: AccountState | None = None
    facts: list[MatchFact] = []
    for record in records:
        if isinstance(record, AccountLinked):
            state, new_facts = accounts.link_account(state, record, rules)
        else:
            state, new_facts = accounts.place_money(state, record, rules)
        facts += new_facts
    assert state is not None
    return state, facts


def place(*records: AccountLinked | AccountMoney) -> str:
    """Where the signed pairs leave the money."""
    net: dict[str, int] = {}
    for fact in tell(*records)[1]:
        if isinstance(fact, MoneyRouted):
            net[fact.install_id] = net.get(fact.install_id, 0) + fact.sign
    assert set(net.values()) <= {0, 1}
    return next((install_id for install_id, sign in net.items() if sign), "")


PAYS = account_money(MONEY)


def test_money_goes_to_the_install_the_account_was_signed_in_to_last_before() -> None:
    assert place(signed_in("old", -9), signed_in("new", -2), signed_in("later", 3), PAYS) == "new"


def test_without_an_earlier_link_the_first_later_one_counts() -> None:
    assert place(PAYS, signed_in("second", 9), signed_in("first", 3)) == "first"


def test_money_of_an_unknown_account_is_parked_until_a_link_comes() -> None:
    facts = tell(PAYS, signed_in("i1", 1))[1]
    assert facts == [
        MoneyWaiting(MONEY, "parked", "account", DEADLINE),
        Settled(MONEY.source, "parked"),
        MoneyWaiting(MONEY, "released", "account", DEADLINE),
        routed(MONEY),
    ]


def test_a_better_link_moves_money_by_a_signed_pair() -> None:
    facts = tell(signed_in("old", -9), PAYS, signed_in("new", -2))[1]
    assert facts == [
        routed(MONEY, install_id="old"),
        routed(MONEY, install_id="old", sign=-1, move=1),
        routed(MONEY, install_id="new", move=1),
    ]


def test_moves_are_numbered_so_that_money_can_come_back() -> None:
    facts = tell(PAYS, signed_in("a", 5), signed_in("b", 3), signed_in("a", 1), signed_in("b", 0))[
        1
    ]
    moves = [(f.install_id, f.sign, f.move) for f in facts if isinstance(f, MoneyRouted)]
    assert moves == [
        ("a", 1, 0),
        *[("a", -1, 1), ("b", 1, 1)],
        *[("b", -1, 2), ("a", 1, 2)],
        *[("a", -1, 3), ("b", 1, 3)],
    ]


def test_a_link_counts_until_the_deadline_to_the_millisecond() -> None:
    assert place(PAYS, signed_in("i1", 1, ts=WEEK)) == "i1"
    assert place(PAYS, signed_in("i1", 1, ts=WEEK + MS)) == ""
    assert place(signed_in("i1", 1, ts=WEEK + MS), PAYS) == ""


def test_a_link_logged_after_the_deadline_does_not_bring_an_earlier_one_forward() -> None:
    records = (
        signed_in("a", -5),
        signed_in("b", 3),
        signed_in("b", -1, ts=WEEK + MS),
    )
    assert place(*records, PAYS) == place(PAYS, *records) == "a"


def test_parked_money_expires_only_after_its_deadline() -> None:
    state, _ = tell(PAYS)
    assert accounts.expire_account_money(state, DEADLINE)[1] == []
    state, facts = accounts.expire_account_money(state, LogMs(DEADLINE + 1))
    assert facts == [
        MoneyWaiting(MONEY, "expired", "account", DEADLINE),
        Settled(MONEY.source, "expired"),
    ]
    assert accounts.account_due(state) is None


def test_placed_money_is_forgotten_in_silence_once_no_link_can_move_it() -> None:
    state, _ = tell(signed_in("i1", -1), PAYS)
    assert accounts.account_due(state) == DEADLINE + 1
    state, facts = accounts.expire_account_money(state, LogMs(DEADLINE + 1))
    assert (state.placed, facts) == ([], [])


def test_a_link_seen_again_changes_nothing() -> None:
    state, _ = tell(signed_in("i1", -1), PAYS)
    again, facts = accounts.link_account(state, signed_in("i1", 5), RULES)
    assert again is state
    assert facts == []


def test_beyond_the_bound_the_oldest_parked_money_expires_early_and_is_counted() -> None:
    rules = Rules(money_per_account_max=1)
    newer = account_money(purchase("t2", 1))
    facts = tell(PAYS, newer, rules=rules)[1]
    assert Settled(MONEY.source, "expired") in facts
    assert facts[-1] == Evicted("money_per_account_max", 1)


def test_beyond_the_bound_the_oldest_link_is_forgotten_and_counted() -> None:
    rules = Rules(links_per_account_max=1)
    state, facts = tell(signed_in("a", 2), signed_in("b", 1), rules=rules)
    assert facts == [Evicted("links_per_account_max", 1)]
    assert [link.install_id for link in state.links] == ["a"]
