"""Accounts: decides which install the money of an account belongs to.

Money goes to the install that the account was signed in to last at or before the purchase; if there
was none yet, to the first one after it. A link that arrives after the money moves it by a pair of
signed records, so the final owner does not depend on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from operator import attrgetter

from msgspec.structs import replace

from attribution.bounds.byte_bounds import as_stored
from attribution.matching.account_state import (
    AccountState,
    Link,
    PlacedMoney,
    bounded_money,
    given_up,
    owner_at,
    settled_sale,
)
from attribution.matching.erasures import asked_after, latest_ts
from attribution.matching.facts import (
    Evicted,
    KeyShared,
    MatchFact,
    MoneyWaiting,
    Settled,
    settling_move,
)
from attribution.matching.shared_keys import SharedPeriod, shared_period
from attribution.matching.transaction_state import SettledSale
from attribution.privacy.choices import choices_from
from attribution.rules.rules import Rules
from schemas.records import (
    TAKEN_BACK,
    AccountLinked,
    AccountMoney,
    Money,
    MoneyRouted,
    app_of,
)
from schemas.time import DAY_MS, MILLISECOND, LogMs

_deadline: Callable[[PlacedMoney | SettledSale], LogMs] = attrgetter("deadline")


def _links_for(money: Money, links: list[Link]) -> list[Link]:
    """The links that money may follow: real money never follows a link of test traffic."""
    return links if money.is_sandbox else [link for link in links if not link.is_sandbox]


def link_account(
    state: AccountState | None, linked: AccountLinked, rules: Rules
) -> tuple[AccountState, list[MatchFact]]:
    """Add a link of the account to an install; move the money that now has another owner."""
    state = state or AccountState(is_without_money=True)
    new = Link(linked.install_id, linked.time, linked.ts, linked.is_sandbox)
    links, facts = _with_link(state.links, new, _erased_ts(state, linked), rules)
    if links == state.links:
        return state, facts
    if len(links) > rules.installs_per_account_day_max:
        met = [(link.install_id, link.ts) for link in links]
        limit = rules.installs_per_account_day_max
        shared = shared_period(state.shared, met, limit, rules.shared_key_rest_ms)
        state = replace(state, shared=shared)
    if (erasure := asked_after(state.erasures, linked.ts)) is not None:
        scope = app_of(linked.key), linked.is_sandbox
        facts.append(erasure.of(linked.install_id, scope))
    if state.shared.covers(linked.ts):
        facts.append(_ignored(linked, links))
        return replace(state, links=links), facts
    scope = app_of(linked.key), linked.is_sandbox
    facts += choices_from(state.choices, linked.install_id, scope, linked.ts)
    placed: list[PlacedMoney] = []
    placed_bytes = state.placed_bytes
    counting = _counting(links, state.shared)
    for known in state.placed:
        if state.shared.covers(known.money.ts):
            placed.append(known)
            continue
        owner = owner_at(_links_for(known.money, counting), known.paid_at, known.deadline)
        if owner != known.install_id:
            known, moved = _move(known, owner)
            placed_bytes += len(as_stored(owner))
            facts += moved
        placed.append(known)
    state = replace(state, links=links, placed=placed, placed_bytes=placed_bytes)
    return bounded_money(state, facts, rules)


def _counting(links: list[Link], shared: SharedPeriod) -> list[Link]:
    """Links that were seen while the account was evidence."""
    return [link for link in links if not shared.covers(link.ts)] if shared.until else links


def _ignored(linked: AccountLinked, links: list[Link]) -> KeyShared:
    near = {link.install_id for link in links if abs(link.ts - linked.ts) <= DAY_MS}
    return KeyShared(
        key=linked.key,
        install_id=linked.install_id,
        bound="installs_per_account_day_max",
        installs=len(near),
        time=linked.time,
        ts=linked.ts,
    )


def place_money(
    state: AccountState | None, arrived: AccountMoney, rules: Rules
) -> tuple[AccountState, list[MatchFact]]:
    """Route money to the install that owns it, or park it until the account is linked."""
    state = state or AccountState()
    if arrived.sign < 0:
        return _taken_back(state, arrived)
    money, deadline = arrived.money, arrived.deadline
    if (settled := settled_sale(state, money)) is not None:
        if settled.install_id:
            return state, [MoneyRouted(settled.install_id, money, 1, 0, deadline)]
        return state, given_up(money, deadline)
    owner = _owner_of(state, arrived)
    facts: list[MatchFact] = []
    if owner:
        facts.append(MoneyRouted(owner, money, 1, 0, deadline))
    else:
        facts.append(MoneyWaiting(money, "parked", "account", deadline))
        facts.append(Settled(money.source, "parked", settling_move(money, 0)))
    new = PlacedMoney(money, arrived.paid_at, deadline, owner, 0)
    # Once some of it is unknown, the sum stays unknown until it is measured.
    is_known = state.placed_bytes or not state.placed
    placed_bytes = state.placed_bytes + len(as_stored(new)) if is_known else 0
    placed = [*state.placed, new]
    state = replace(state, placed=placed, placed_bytes=placed_bytes, is_without_money=False)
    return bounded_money(state, facts, rules)


def _owner_of(state: AccountState, arrived: AccountMoney) -> str:
    money = arrived.money
    is_ignored = state.shared.covers(money.ts)
    links = [] if is_ignored else _counting(state.links, state.shared)
    return owner_at(_links_for(money, links), arrived.paid_at, arrived.deadline)


def _taken_back(state: AccountState, arrived: AccountMoney) -> tuple[AccountState, list[MatchFact]]:
    """Take money from the install that has it; parked money stops waiting."""
    money, deadline = arrived.money, arrived.deadline
    for known in state.placed:
        same = known.money
        if same.booking_id == money.booking_id and same.revision == money.revision:
            placed = [one for one in state.placed if one is not known]
            state, owner = replace(state, placed=placed), known.install_id
            if not owner:
                return state, [MoneyWaiting(same, "released", "account", deadline)]
            break
    else:
        settled = settled_sale(state, money)
        owner = _owner_of(state, arrived) if settled is None else settled.install_id
    return state, [MoneyRouted(owner, money, -1, TAKEN_BACK, deadline)] if owner else []


def expire_account_money(state: AccountState, now: LogMs) -> tuple[AccountState, list[MatchFact]]:
    """At log time `now`, forget money that no link can move any more, and expire parked money."""
    facts: list[MatchFact] = []
    keep: list[PlacedMoney] = []
    for known in state.placed:
        if known.deadline >= now:
            keep.append(known)
        elif not known.install_id:
            facts += given_up(known.money, known.deadline)
    settled = [one for one in state.settled if one.deadline >= now]
    return replace(state, placed=keep, settled=settled), facts


def account_due(state: AccountState) -> LogMs | None:
    """Log time at which `expire_account_money` has something to do; None: never."""
    # A full account has thousands, and is asked after every payment.
    known: Iterable[PlacedMoney | SettledSale] = chain(state.placed, state.settled)
    first = min(map(_deadline, known), default=None)
    return None if first is None else LogMs(first + MILLISECOND)


def _move(known: PlacedMoney, owner: str) -> tuple[PlacedMoney, list[MatchFact]]:
    money, deadline = known.money, known.deadline
    if not known.install_id:
        return replace(known, install_id=owner), [
            MoneyWaiting(money, "released", "account", deadline),
            MoneyRouted(owner, money, 1, 0, deadline),
        ]
    moves = known.moves + 1
    return replace(known, install_id=owner, moves=moves), [
        MoneyRouted(known.install_id, money, -1, moves, deadline),
        MoneyRouted(owner, money, 1, moves, deadline),
    ]


def _erased_ts(state: AccountState, linked: AccountLinked) -> LogMs:
    """Log time up to which the install of a link was erased; 0: it was not."""
    if not state.erasures and not state.erased:
        return LogMs(0)
    own = [one.ts for one in state.erased if one.install_id == linked.install_id]
    return max(latest_ts(state.erasures), *own, LogMs(0))


def _with_link(
    links: list[Link], new: Link, erased_ts: LogMs, rules: Rules
) -> tuple[list[Link], list[MatchFact]]:
    """Add a link, and keep those that can be the first of their install for some deadline."""
    # Who comes back is known by a link of its own: that of before is about to be forgotten.
    if any(_covers(link, new) and not link.ts <= erased_ts < new.ts for link in links):
        return links, []
    kept = [link for link in links if not _covers(new, link)]
    kept = sorted([*kept, new], key=lambda link: (link.time, link.install_id))
    if len(kept) <= rules.links_per_account_max:
        return kept, []
    surplus = len(kept) - rules.links_per_account_max
    return kept[surplus:], [Evicted("links_per_account_max", surplus)]


def _covers(link: Link, other: Link) -> bool:
    """Whether `other` adds nothing: the same install, neither happened nor was logged earlier."""
    is_same = (link.install_id, link.is_sandbox) == (other.install_id, other.is_sandbox)
    return is_same and link.time <= other.time and link.ts <= other.ts
