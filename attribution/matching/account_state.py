"""The stored state of one account, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from attribution.bounds.byte_bounds import (
    MONEY_BYTES_PER_ACCOUNT_MAX,
    SETTLED_BYTES_PER_ACCOUNT_MAX,
    as_stored,
    within,
)
from attribution.matching.erasures import ErasedInstall, Erasure
from attribution.matching.facts import Evicted, MatchFact, MoneyWaiting, Settled, settling_move
from attribution.matching.shared_keys import NEVER_SHARED, SharedPeriod
from attribution.matching.transaction_state import SettledSale, sale_hash, sale_id
from attribution.privacy.choices import PrivacyChoice
from attribution.rules.rules import Rules
from schemas.records import Money
from schemas.time import EventMs, LogMs

_deadline: Callable[[PlacedMoney], LogMs] = attrgetter("deadline")


class Link(Struct, frozen=True, array_like=True, gc=False):
    """The account was seen signed in on an install."""

    install_id: str
    time: EventMs
    ts: LogMs
    is_sandbox: bool = False


class PlacedMoney(Struct, frozen=True, array_like=True, gc=False):
    """Money of the account, and the install that owns it for now."""

    money: Money
    paid_at: EventMs
    deadline: LogMs
    install_id: str  # "": parked
    moves: int  # relinks so far


class AccountState(Struct, frozen=True, array_like=True, tag=3):
    """Everything known of one account. Stored as an array: new fields go to the end."""

    links: list[Link] = []
    placed: list[PlacedMoney] = []  # money that a link may still move
    erasures: list[Erasure] = []
    shared: SharedPeriod = NEVER_SHARED
    settled: list[SettledSale] = []  # of money that was evicted before its deadline
    placed_bytes: int = 0  # what `placed` takes at most; 0: to be measured
    choices: list[PrivacyChoice] = []  # of the person, in order of log time
    erased: list[ErasedInstall] = []  # by requests that name other keys, in order of log time
    is_without_money: bool = False  # none was ever placed; earlier builds did not say


def owner_at(links: list[Link], paid_at: EventMs, deadline: LogMs) -> str:
    """The install that owns money paid at `paid_at`; "" if no link counts.

    An install counts from its first link that was logged by the deadline.
    """
    first: dict[str, EventMs] = {}
    for link in links:  # in order of time
        if link.ts <= deadline:
            first.setdefault(link.install_id, link.time)
    counting = [(time, install_id) for install_id, time in first.items()]
    before = [one for one in counting if one[0] <= paid_at]
    if before:
        return max(before)[1]
    return min(counting, default=(0, ""))[1]


def bounded_money(
    state: AccountState, facts: list[MatchFact], rules: Rules
) -> tuple[AccountState, list[MatchFact]]:
    """Beyond a bound the money of the oldest transactions is forgotten; if it was parked, it
    expires early.

    All money of a transaction goes at once, and where it stays is remembered: so its refunds follow
    it, whatever links come later, and push nothing else out.
    """
    beyond = len(state.placed) - rules.money_per_account_max
    if beyond > 0:
        oldest = _oldest(state.placed, beyond)
        state, facts = _forgotten(state, oldest, ("money_per_account_max", facts), rules)
    if not 0 < state.placed_bytes <= MONEY_BYTES_PER_ACCOUNT_MAX:
        _, oldest = within(state.placed, MONEY_BYTES_PER_ACCOUNT_MAX, _age)
        if oldest:
            bound = "money_bytes_per_account_max"
            state, facts = _forgotten(state, oldest, (bound, facts), rules)
        state = replace(state, placed_bytes=len(as_stored(state.placed)))
    return state, facts


def _oldest(placed: list[PlacedMoney], count: int) -> list[PlacedMoney]:
    """The first so many by age. Sales are hashed only of those that could be among them."""
    last = sorted(map(_deadline, placed))[count - 1]
    return sorted([one for one in placed if one.deadline <= last], key=_age)[:count]


def _age(known: PlacedMoney) -> tuple[LogMs, int]:
    # By deadline, so that refunds of old purchases go before purchases that are younger.
    return known.deadline, sale_hash(known.money)


def _forgotten(
    state: AccountState,
    oldest: list[PlacedMoney],
    reported: tuple[str, list[MatchFact]],
    rules: Rules,
) -> tuple[AccountState, list[MatchFact]]:
    bound, facts = reported
    sales: dict[int, SettledSale] = {}
    for known in oldest:
        sale = sale_hash(known.money)
        sales[sale] = SettledSale(sale, known.install_id, known.deadline)
    names = {sale_id(known.money) for known in oldest}
    kept: list[PlacedMoney] = []
    for known in state.placed:
        if sale_id(known.money) not in names or sale_hash(known.money) not in sales:
            kept.append(known)
        elif not known.install_id:
            facts += given_up(known.money, known.deadline)
    facts.append(Evicted(bound, len(state.placed) - len(kept)))
    settled = [*state.settled, *sales.values()]
    if (beyond := len(settled) - rules.settled_sales_per_account_max) > 0:
        settled = settled[beyond:]
        facts.append(Evicted("settled_sales_per_account_max", beyond))
    settled, large = within(settled, SETTLED_BYTES_PER_ACCOUNT_MAX, lambda one: one.deadline)
    if large:
        facts.append(Evicted("settled_bytes_per_account_max", len(large)))
    return replace(state, placed=kept, settled=settled), facts


def given_up(money: Money, deadline: LogMs) -> list[MatchFact]:
    """Facts that report money as expired."""
    return [
        MoneyWaiting(money, "expired", "account", deadline),
        Settled(money.source, "expired", settling_move(money, 0)),
    ]


def settled_sale(state: AccountState, money: Money) -> SettledSale | None:
    """Where money of the same transaction stays, if that is all that is known of it."""
    if not state.settled:
        return None
    sale = sale_hash(money)
    return next((one for one in state.settled if one.sale == sale), None)
