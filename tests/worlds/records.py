"""Records of one small app, for tests of attribution. Times are minutes after NOON unless said."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.rules.rules import Policy, Rules
from schemas.records import (
    AccountLinked,
    AccountMoney,
    ActivitySeen,
    Candidates,
    Installed,
    InstallSeen,
    Money,
    MoneyKind,
    MoneyRouted,
    Prior,
    Signal,
    Touch,
    TouchKind,
    TouchSeen,
)
from schemas.time import EventMs, Millis
from tests.worlds.clock import at, logged_at

NO_LOOKBACK = Millis(0)
KEY = "c:app:key"
RULES = Rules()
BAD_SOURCE = "poison"
"""A media source whose policy raises under `PoisonedRules`."""


class PoisonedRules(Rules, frozen=True, kw_only=True, dict=True):
    """The usual rules, with a bug."""

    def policy(self, app_id: str, media_source: str, campaign_id: str, time: EventMs) -> Policy:
        if media_source == BAD_SOURCE:
            raise ValueError(f"no policy of 'somebody@example.com' for {campaign_id}4711")
        return super().policy(app_id, media_source, campaign_id, time)


def click(
    event_id: str, minutes: float, *, ts: float | None = None, lookback_ms: Millis = NO_LOOKBACK
) -> Touch:
    return _touch(event_id, TouchKind.CLICK, minutes, ts, lookback_ms)


def view(
    event_id: str, minutes: float, *, ts: float | None = None, lookback_ms: Millis = NO_LOOKBACK
) -> Touch:
    return _touch(event_id, TouchKind.IMPRESSION, minutes, ts, lookback_ms)


def _touch(
    event_id: str, kind: TouchKind, minutes: float, ts: float | None, lookback_ms: Millis
) -> Touch:
    logged = logged_at(minutes if ts is None else ts)
    return Touch(
        event_id, f"touch of {event_id}", kind, at(minutes), logged, "north", "", "c1", "", "", "",
        "", lookback_ms, lookback_ms,
    )  # fmt: skip


def by(touch: Touch, media_source: str, campaign_id: str = "c1") -> Touch:
    """The same touchpoint of another campaign."""
    return replace(touch, media_source=media_source, campaign_id=campaign_id)


def to_win_back(touch: Touch) -> Touch:
    """The same touchpoint, shown to somebody who has the app, or had it."""
    return replace(touch, is_retargeting=True)


def device(touch: Touch) -> Candidate:
    """The touchpoint shares a device id with the install."""
    return Candidate(Signal.DEVICE_ID, touch)


def before(minutes: float, *, ts: float | None = None, install_id: str = "i0") -> Prior:
    """An earlier install on the same device."""
    return Prior(install_id, at(minutes), logged_at(minutes if ts is None else ts))


def seen(touch: Touch, key: str = KEY, offset: int = 0, *, is_home: bool = True) -> TouchSeen:
    return TouchSeen(key, touch, (0, 0, offset), is_home)


def installed(
    minutes: float = 0, *, ts: float | None = None, lookups: int = 1, install_id: str = "i1"
) -> Installed:
    logged = logged_at(minutes if ts is None else ts)
    return Installed(
        install_id, f"event of {install_id}", "app", "android", "DE", "1", "14", at(minutes),
        logged, lookups, False, (1, 0, 0),
    )  # fmt: skip


def looked_up(
    install: Installed, key: str = KEY, signal: Signal = Signal.DEVICE_ID, ordinal: int = 0
) -> InstallSeen:
    return InstallSeen(key, install.install_id, signal, ordinal, install.time, install.ts)


def answer(
    *touches: Touch, signal: Signal = Signal.DEVICE_ID, ordinal: int = 0, install_id: str = "i1"
) -> Candidates:
    return Candidates(install_id, signal, ordinal, list(touches), app_id="app")


def late(touch: Touch, signal: Signal = Signal.DEVICE_ID) -> Candidates:
    return answer(touch, signal=signal, ordinal=-1)


def session(event_id: str, minutes: float, *, ts: float | None = None) -> ActivitySeen:
    logged = logged_at(minutes if ts is None else ts)
    return ActivitySeen(
        "i1", event_id, "session", True, at(minutes), logged, (2, 0, 0), app_id="app"
    )


def purchase(
    transaction_id: str = "t1",
    minutes: float = 0,
    *,
    ts: float | None = None,
    install_id: str = "",
    micros: int = 5_000_000,
) -> Money:
    """Paid by an install, or else by the account `user`."""
    logged = logged_at(minutes if ts is None else ts)
    account = "" if install_id else "user"
    return Money(
        transaction_id, transaction_id, MoneyKind.PURCHASE, "app", install_id, account, micros,
        "EUR", "", at(minutes), logged, (3, 0, 0),
    )  # fmt: skip


def refund(
    refund_id: str, minutes: float, *, transaction_id: str = "t1", micros: int = -5_000_000
) -> Money:
    return Money(
        f"{transaction_id}:refund:{refund_id}", transaction_id, MoneyKind.REFUND, "app", "", "",
        micros, "EUR", "", at(minutes), logged_at(minutes), (3, 0, 1),
    )  # fmt: skip


def booked(money: Money, micros: int | None = None, revision: int = 0) -> Money:
    """The step as it is booked; without `micros` it counts what it states."""
    counts = money.amount_micros if micros is None else micros
    return replace(
        money, amount_micros=counts, stated_micros=money.amount_micros, revision=revision
    )


def account_money(money: Money) -> AccountMoney:
    return AccountMoney("user", money, money.time, money.ts + RULES.parking_ms)


def signed_in(install_id: str, minutes: float, *, ts: float | None = None) -> AccountLinked:
    logged = logged_at(minutes if ts is None else ts)
    return AccountLinked("user", install_id, at(minutes), logged)


def routed(money: Money, *, sign: int = 1, move: int = 0, install_id: str = "i1") -> MoneyRouted:
    return MoneyRouted(install_id, money, sign, move, money.ts + RULES.parking_ms)
