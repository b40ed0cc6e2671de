"""Which sessions brought a user back, and through which touchpoint."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import Flag, Signal
from tests.oracle.claims import Claim, claim_of, is_cause, rank
from tests.oracle.history import History, Opened, Shown, Visit
from tests.oracle.rulebook import CLICK_MAX, FOREVER, LATE_MAX, VIEW_MAX, Rulebook


class Return(NamedTuple):
    """A user came back through a touchpoint at the time of a session."""

    conversion_id: str
    touch: str  # event id
    signal: int
    at: int
    expires_at: int


def returns(opened: Opened, history: History, book: Rulebook) -> list[Return]:
    install = opened.install
    until = last_heard(opened, history)
    visits = sorted(
        (one for one in history.visits if counts_for(one, opened) and one.session.ts <= until),
        key=lambda one: (one.session.time, one.session.ts, one.session.event_id),
    )
    ads = sorted(retargeting(opened, history), key=rank, reverse=True)
    ads = [one for one in ads if one.touch.ts <= until]
    found: list[Return] = []
    used: set[str] = set()
    for visit in visits:
        for ad in ads:
            touch = ad.touch
            if touch.event_id in used or not explains(ad, visit, visits, opened, book):
                continue
            used.add(touch.event_id)
            at = visit.session.time
            span = int(book.find("windows.reengagement", install.app_id, touch, install.time))
            name = f"{install.install_id}~{touch.event_id}"
            found.append(Return(name, touch.event_id, int(ad.signal), at, at + span))
            break
    return found


def last_heard(opened: Opened, history: History) -> int:
    """Log time from which on nothing counts any more of whoever asked to be forgotten."""
    asked = opened.erased_ts(history.erasures)
    return asked + LATE_MAX if asked else FOREVER


def counts_for(visit: Visit, opened: Opened) -> bool:
    """A session of this install that has not waited for it in vain."""
    session, install = visit.session, opened.install
    return session.install_id == install.install_id and install.ts <= session.ts + LATE_MAX


def explains(ad: Claim, visit: Visit, visits: list[Visit], opened: Opened, book: Rulebook) -> bool:
    """Whether the user was away, saw this touchpoint, and came back with this session."""
    touch, session, install = ad.touch, visit.session, opened.install
    quiet = int(book.find("windows.inactivity", install.app_id, touch, install.time))
    return (
        touch.time <= session.time
        and session.time - touch.time <= window_of(ad, opened, book)
        and touch.ts - session.ts <= LATE_MAX
        and last_activity(opened, visits, touch.time) <= touch.time - quiet
        and not is_forged(ad, opened, book)
    )


def retargeting(opened: Opened, history: History) -> list[Claim]:
    """Retargeting touchpoints after the install: found by an id, or named by its sessions."""
    name = opened.install.install_id
    namings = [one for one in history.namings if one.install_id == name]
    found = []
    for shown in history.shown:
        touch = shown.touch
        signals = list(opened.signals(shown, history.erasures))
        if is_cause(touch, opened, signals):
            continue
        ids = {Signal.DEVICE_ID} & set(signals)
        if is_named(shown, [one.ts for one in namings if one.key in shown.keys]):
            ids.add(Signal.CLICK_ID)
        if touch.is_retargeting and touch.time > opened.install.time and ids:
            found.append(claim_of(shown, min(ids), opened, history))
    return [one for one in found if not one.is_refused]


def is_named(shown: Shown, logged: list[int]) -> bool:
    """Whether sessions logged then may mean it; what is older or younger is not remembered."""
    if not logged:
        return False
    return min(logged) - CLICK_MAX - LATE_MAX <= shown.touch.ts <= max(logged) + LATE_MAX


def is_forged(ad: Claim, opened: Opened, book: Rulebook) -> bool:
    """Not signed although its source signs, or signed long before it was logged."""
    touch, install = ad.touch, opened.install
    wrong = touch.flags & (Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID)
    stale = touch.flags & Flag.SIGNATURE_STALE
    modes = [
        book.find(f"fraud.{reason}", install.app_id, touch, install.time)
        for reason, found in (("incorrect_signature", wrong), ("stale_signature", stale))
        if found
    ]
    return "reject" in modes


def last_activity(opened: Opened, visits: list[Visit], before: int) -> int:
    times = [visit.session.time for visit in visits if visit.session.time < before]
    return max([opened.install.time, *times])


def window_of(ad: Claim, opened: Opened, book: Rulebook) -> int:
    touch, install = ad.touch, opened.install
    own = touch.click_lookback_ms if ad.is_click else touch.view_lookback_ms
    if own:
        return min(own, CLICK_MAX if ad.is_click else VIEW_MAX)
    kind = "retargeting_click" if ad.is_click else "retargeting_view"
    return int(book.find(f"windows.{kind}", install.app_id, touch, install.time))


def in_force(found: list[Return], time: int) -> str:
    """The conversion that earns money of this time; "" when it is the install itself."""
    running = [(one.at, order, one.conversion_id) for order, one in enumerate(found)
               if one.at <= time < one.expires_at]  # fmt: skip
    return max(running)[2] if running else ""
