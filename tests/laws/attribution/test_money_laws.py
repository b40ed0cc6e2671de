"""Money ends where a naive look at all records puts it, whatever came first.

Log time passes as it does for a stage: a deadline is only acted upon once every record that was
logged until then has been read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from attribution import journey as journeys
from attribution.journey import Journey, JourneyFact, MoneyApplied, Waiting
from attribution.matching import accounts, transactions
from attribution.matching.account_state import AccountState
from attribution.matching.facts import MatchFact, MoneyWaiting, Settled
from attribution.matching.transaction_state import Transaction
from schemas.records import AccountLinked, AccountMoney, Installed, Money, MoneyKind, MoneyRouted
from schemas.time import LogMs
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, account_money, purchase, refund, routed

WEEK_MS = RULES.parking_ms
END = NOON + 100 * WEEK_MS
log_times = st.builds(
    lambda weeks, ms: NOON + weeks * WEEK_MS + ms, st.integers(0, 2), st.integers(-2, 2)
)
"""A few milliseconds around deadlines of each other."""
R = TypeVar("R")


def log_time_after(read: Sequence[R], rest: Sequence[R], ts_of: Callable[[R], int]) -> int:
    """The latest log time that may be known once `read` is read and `rest` is not."""
    return min(map(ts_of, rest)) if rest else max(map(ts_of, read), default=0)


# --- accounts -------------------------------------------------------------------------------------

links = st.builds(AccountLinked, st.just("user"), st.sampled_from("abc"), log_times, log_times)
payments = st.builds(
    lambda n, time, ts: account_money(
        Money(f"t{n}", "", MoneyKind.PURCHASE, "", "", "user", 1, "", "", time, ts, (3, 0, n))
    ),
    st.integers(0, 3), log_times, log_times,
)  # fmt: skip
AccountRecord = AccountLinked | AccountMoney
account_histories = st.tuples(
    st.lists(links, max_size=6),
    st.lists(payments, max_size=3, unique_by=lambda one: one.money.booking_id),
).map(lambda both: [*both[0], *both[1]])


def owner(paid: AccountMoney, seen: list[AccountRecord]) -> str:
    """The install first signed in to last before the purchase, else first after it."""
    first: dict[str, int] = {}
    for one in seen:
        if isinstance(one, AccountLinked) and one.ts <= paid.deadline:
            first[one.install_id] = min(one.time, first.get(one.install_id, one.time))
    before = sorted((time, name) for name, time in first.items() if time <= paid.paid_at)
    after = sorted((time, name) for name, time in first.items() if time > paid.paid_at)
    return before[-1][1] if before else after[0][1] if after else ""


def ts_of(record: AccountRecord) -> int:
    return record.ts if isinstance(record, AccountLinked) else record.money.ts


def tell_account(records: list[AccountRecord], looks: list[bool]) -> list[MatchFact]:
    state: AccountState | None = None
    facts: list[MatchFact] = []
    for n, record in enumerate(records):
        if isinstance(record, AccountLinked):
            state, new_facts = accounts.link_account(state, record, RULES)
        else:
            state, new_facts = accounts.place_money(state, record, RULES)
        facts += new_facts
        if looks[n % len(looks)]:
            now = log_time_after(records[: n + 1], records[n + 1 :], ts_of)
            state, new_facts = accounts.expire_account_money(state, LogMs(now))
            facts += new_facts
    return facts + (accounts.expire_account_money(state, LogMs(END))[1] if state else [])


@settings(deadline=None)
@given(account_histories.flatmap(st.permutations), st.lists(st.booleans(), min_size=1))
def test_accounts_leave_money_with_its_owner_in_any_order_of_links_and_payments(
    records: list[AccountRecord], looks: list[bool]
) -> None:
    net: Counter[tuple[str, str]] = Counter()
    waits: Counter[tuple[str, str]] = Counter()
    for fact in tell_account(records, looks):
        if isinstance(fact, MoneyRouted):
            net[fact.money.booking_id, fact.install_id] += fact.sign
        elif isinstance(fact, MoneyWaiting):
            waits[fact.money.booking_id, fact.state] += 1
    expected, expired = {}, set()
    for one in records:
        if isinstance(one, AccountMoney):
            name = one.money.booking_id
            if place := owner(one, records):
                expected[name, place] = 1
            else:
                expired.add(name)
    assert {key: sign for key, sign in net.items() if sign} == expected
    assert {name for name, state in waits if state == "expired"} == expired
    for name in {name for name, _ in waits}:
        assert waits[name, "parked"] == waits[name, "released"] + waits[name, "expired"] == 1


# --- transactions ---------------------------------------------------------------------------------

sales = st.builds(
    lambda ts, n: purchase(ts=(ts - NOON) / 60_000, install_id="i1", micros=n),
    log_times, st.integers(1, 2),
)  # fmt: skip
refunds = st.builds(
    lambda ts, n: refund(f"r{n}", (ts - NOON) / 60_000, micros=-n), log_times, st.integers(1, 3)
)


def tell_transaction(moneys: list[Money], looks: list[bool]) -> list[MatchFact]:
    state: Transaction | None = None
    facts: list[MatchFact] = []
    for n, money in enumerate(moneys):
        state, new_facts = transactions.fold_money(state, money, RULES)
        facts += new_facts
        if looks[n % len(looks)]:
            now = log_time_after(moneys[: n + 1], moneys[n + 1 :], lambda one: one.ts)
            state, new_facts = transactions.expire_refunds(state, LogMs(now), RULES)
            facts += new_facts
    return facts + (transactions.expire_refunds(state, LogMs(END), RULES)[1] if state else [])


@settings(deadline=None)
@given(
    st.tuples(
        st.lists(sales, max_size=1),
        st.lists(refunds, max_size=3, unique_by=lambda one: one.booking_id),
    )
    .map(lambda both: [*both[0], *both[1]])
    .flatmap(st.permutations),
    st.lists(st.booleans(), min_size=1),
)
def test_refunds_follow_their_purchase_in_any_order_or_expire(
    moneys: list[Money], looks: list[bool]
) -> None:
    facts = tell_transaction(moneys, looks)
    routes: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, MoneyRouted):
            routes[fact.money.booking_id] += fact.sign
    sale = next((money for money in moneys if money.kind is MoneyKind.PURCHASE), None)
    follows = [
        money
        for money in moneys
        if money is sale or (sale is not None and sale.ts <= money.ts + WEEK_MS)
    ]
    assert routes == Counter(money.booking_id for money in follows)
    expired = [f.money for f in facts if isinstance(f, MoneyWaiting) and f.state == "expired"]
    in_vain = [money for money in moneys if money not in follows]
    assert Counter(m.booking_id for m in expired) == Counter(m.booking_id for m in in_vain)


@given(st.lists(st.one_of(sales, refunds), max_size=8), st.lists(st.booleans(), min_size=1))
def test_every_id_counts_once_and_every_repeat_is_a_duplicate(
    moneys: list[Money], looks: list[bool]
) -> None:
    facts = tell_transaction(moneys, looks)
    duplicates = sum(isinstance(f, Settled) and f.disposition == "duplicate" for f in facts)
    routes = [
        (fact.money.booking_id, fact.money.revision, fact.sign)
        for fact in facts
        if isinstance(fact, MoneyRouted)
    ]
    assert duplicates == len(moneys) - len({money.booking_id for money in moneys})
    assert len(routes) == len(set(routes))


# --- journeys -------------------------------------------------------------------------------------

install_records = st.builds(
    lambda ts: Installed("i1", "", "", "", "", "", "", ts, ts, 0, False, (1, 0, 0)), log_times
)
arrivals = st.builds(lambda n, ts: routed(purchase(f"t{n}", ts=(ts - NOON) / 60_000)),
                     st.integers(0, 2), log_times)  # fmt: skip


@settings(deadline=None)
@given(
    st.tuples(
        st.lists(install_records, max_size=1),
        st.lists(arrivals, max_size=3, unique_by=lambda one: one.money.booking_id),
    )
    .map(lambda both: [*both[0], *both[1]])
    .flatmap(st.permutations),
    st.lists(st.booleans(), min_size=1),
)
def test_money_is_booked_exactly_when_its_install_came_in_time(
    records: list[Installed | MoneyRouted], looks: list[bool]
) -> None:
    facts = _tell_journey(records, looks)
    install = next((one for one in records if isinstance(one, Installed)), None)
    moneys = [one for one in records if isinstance(one, MoneyRouted)]
    booked = [fact.routed for fact in facts if isinstance(fact, MoneyApplied)]
    assert booked == [one for one in booked if install is not None and install.ts <= one.deadline]
    in_time = {one.money.booking_id for one in moneys if install and install.ts <= one.deadline}
    assert {one.money.booking_id for one in booked} == in_time
    finals = Counter(
        fact.disposition
        for fact in facts
        if isinstance(fact, Settled) and fact.source[0] == 3 and fact.disposition != "parked"
    )
    assert finals == +Counter(decided=len(in_time), expired=len(moneys) - len(in_time))
    waits = Counter(fact.state for fact in facts if isinstance(fact, Waiting))
    assert waits["parked"] == waits["released"] + waits["expired"]


def _tell_journey(records: list[Installed | MoneyRouted], looks: list[bool]) -> list[JourneyFact]:
    journey, facts = Journey(), list[JourneyFact]()
    for n, record in enumerate(records):
        if isinstance(record, Installed):
            journey, new_facts = journeys.add_install(journey, record, RULES)
        else:
            journey, new_facts = journeys.add_money(journey, record, RULES)
        facts += new_facts
        if looks[n % len(looks)]:
            now = log_time_after(records[: n + 1], records[n + 1 :], _journey_ts)
            journey, new_facts = journeys.meet_deadlines(journey, LogMs(now), RULES)
            facts += new_facts
    return facts + journeys.meet_deadlines(journey, LogMs(END), RULES)[1]


def _journey_ts(record: Installed | MoneyRouted) -> int:
    return record.ts if isinstance(record, Installed) else record.money.ts
