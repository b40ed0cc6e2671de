"""Records on `match`, partitioned by match key."""

from __future__ import annotations

from msgspec import Struct

from schemas.records.money import Counted, Money, Payer
from schemas.records.touch import Signal, Source, Touch
from schemas.time import EventMs, LogMs

SANDBOX_SCOPE = "x"
"""Before a key of test traffic, which never meets real traffic."""


def is_sandbox_key(key: str) -> bool:
    """Whether a key is one of test traffic."""
    return key.startswith(SANDBOX_SCOPE)


def app_of(key: str) -> str:
    """The app of a match key: every key but that of a postback is within one app."""
    return key.split(":", 2)[1] if ":" in key else ""


def scope_of(key: str) -> tuple[str, bool]:
    """The app of a match key, and whether it is a key of test traffic."""
    return app_of(key), is_sandbox_key(key)


class TouchSeen(Struct, frozen=True, array_like=True, gc=False, tag=1):
    key: str
    touch: Touch
    source: Source
    is_home: bool  # exactly one key of a touchpoint accounts for it in the ledger
    more: list[str] = []  # keys under which it is sent on once it is known to be the first copy


NOT_ASKED = -1
"""Ordinal of a candidate that answers no lookup, because it arrived after the answer."""

NAMED_BY_SESSION = -2
"""Ordinal of retargeting touchpoints whose click a session of the install names."""

FOR_REQUESTS = -3
"""Ordinal of what an install forbids to match by: it asks for nothing and gets no answer, but
privacy requests by this id reach it."""


class InstallSeen(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """An install looks itself up under one of its keys."""

    key: str
    install_id: str
    signal: Signal
    ordinal: int  # which of the install's lookups this is, from 0; -1: a session names a click
    time: EventMs
    ts: LogMs
    opening: int = 0  # tells it from other first opens of the install; 0: unknown
    device_ids: int = 0  # whose id the key is of: bits of `attribution.rules.consent.Use`


class AccountLinked(Struct, frozen=True, array_like=True, gc=False, tag=3):
    """An install was used with an account."""

    key: str
    install_id: str
    time: EventMs
    ts: LogMs
    is_sandbox: bool = False


class MoneySeen(Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Money, keyed by transaction, so that it is deduplicated first."""

    key: str
    money: Money


class AccountMoney(Struct, frozen=True, array_like=True, gc=False, tag=5):
    """Deduplicated money that has to find the install of its account."""

    key: str
    money: Money
    paid_at: EventMs  # when the purchase happened, also for its refunds
    deadline: LogMs  # last log time at which a link still counts, also for its refunds
    sign: int = 1  # -1: what was booked before is taken back


class ErasureSeen(Struct, frozen=True, array_like=True, gc=False, tag=6):
    """The person known under this key has requested erasure."""

    key: str
    request_id: str
    ts: LogMs


class ChoiceSeen(Struct, frozen=True, array_like=True, gc=False, tag=12):
    """The person known under this key opts out, or in again."""

    key: str
    request_id: str
    ts: LogMs
    is_refused: bool


class PostbackSeen(Struct, frozen=True, array_like=True, gc=False, tag=7):
    """A postback arrived; the key is its id. It names no device and no install."""

    key: str
    ts: LogMs
    source: Source


class RestoreClaim(Struct, frozen=True, array_like=True, gc=False):
    """What a purchase that names another transaction as its original says of itself: all of it,
    whenever any of it changes. New fields go to the end."""

    charge: Money | None = None  # what it counts where nobody knows the original; None: nothing
    payer: Payer | None = None
    refunds: list[Money] = []  # that name it, or that it was told of by those that name it
    forgotten_micros: int = 0  # taken by refunds that are not among them any more


class RestoreSeen(Struct, frozen=True, array_like=True, gc=False, tag=8):
    """A purchase names the transaction of this key as its original."""

    key: str
    restore_key: str  # of the purchase
    ts: LogMs
    claim: RestoreClaim | None = None  # None: an earlier version makes none


class OriginalSeen(Struct, frozen=True, array_like=True, gc=False, tag=9):
    """Whether the transaction that a purchase names as its original is known as paid."""

    key: str  # of the purchase
    is_paid: bool  # the original, or another purchase that stands for it
    taken: dict[
        str, Counted
    ] = {}  # by refund that the purchase claimed: what that takes, and where
    original_key: str = ""  # of the original; "": not stated
    hops: int = 0  # how many transactions have passed on what refunds take


class InstallErased(Struct, frozen=True, array_like=True, gc=False, tag=13):
    """An install that is known under this key was erased: what was logged of it until `ts` is
    forgotten here, too. Other installs are not erased by it."""

    key: str
    install_id: str
    ts: LogMs
    is_late: bool = (
        False  # by a record that came once it was erased: whoever else has the key stays
    )


class AccessSeen(Struct, frozen=True, array_like=True, gc=False, tag=11):
    """The person known under this key has asked what is held about them."""

    key: str
    request_id: str
    ts: LogMs


MatchRecord = (
    TouchSeen
    | InstallSeen
    | AccountLinked
    | MoneySeen
    | AccountMoney
    | ErasureSeen
    | ChoiceSeen
    | PostbackSeen
    | RestoreSeen
    | OriginalSeen
    | AccessSeen
    | InstallErased
)
