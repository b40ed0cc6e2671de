"""Which sessions brought a user back, and through which touchpoint."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import Signal
from tests.oracle.claims import Claim, rank
from tests.oracle.history import History, Opened, Visit
from tests.oracle.rulebook import CLICK_MAX, VIEW_MAX, Rulebook


class Return(NamedTuple):
    """A user came back through a touchpoint at the time of a session."""

    conversion_id: str
    touch: str  # event id
    at: int
    expires_at: int


def returns(opened: Opened, history: History, book: Rulebook) -> list[Return]:
    install = opened.install
    visits = sorted(
        (one for one in history.visits if one.session.install_id == install.install_id),
        key=lambda one: (one.session.time, one.session.event_id),
    )
    ads = sorted(retargeting(opened, visits, history), key=rank, reverse=True)
    found: list[Return] = []
    used: set[str] = set()
    for visit in visits:
        at = visit.session.time
        for ad in ads:
            touch = ad.touch
            if touch.event_id in used or not touch.time <= at:
                continue
            if at - touch.time > window_of(ad, opened, book):
                continue
            quiet = int(book.find("windows.inactivity", install.app_id, touch, install.time))
            if last_activity(opened, visits, touch.time) > touch.time - quiet:
                continue
            used.add(touch.event_id)
            span = int(book.find("windows.reengagement", install.app_id, touch, install.time))
            name = f"{install.install_id}~{touch.event_id}"
            found.append(Return(name, touch.event_id, at, at + span))
            break
    return found


def retargeting(opened: Opened, visits: list[Visit], history: History) -> list[Claim]:
    """Retargeting touchpoints after the install: on its device, or named by one of its sessions."""
    found = []
    for shown in history.shown:
        touch = shown.touch
        on_device = bool(opened.devices() & set(shown.keys))
        named = any(visit.key in shown.keys for visit in visits)
        if touch.is_retargeting and touch.time > opened.install.time and (on_device or named):
            found.append(Claim(touch, Signal.CLICK_ID if named else Signal.DEVICE_ID))
    return found


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
