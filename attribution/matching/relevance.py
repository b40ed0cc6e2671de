"""Which records under one key concern each other. Compares the two records only."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import InstallSeen, Prior, Signal, Touch, TouchKind
from schemas.time import DAY_MS, EventMs, LogMs

_CLICK_ID_SIGNALS = (Signal.REFERRER, Signal.CLICK_ID)
_NETWORK_WINDOW_MS = DAY_MS  # the longest lookback window of a probabilistic match


class IndexedInstall(Struct, frozen=True, array_like=True, gc=False):
    """An install that looked itself up under the key, or whose sessions name the click."""

    install_id: str
    signal: Signal
    time: EventMs
    ts: LogMs
    is_session: bool = False  # sessions name this click; `ts` is the last of them
    since: LogMs = LogMs(0)  # log time of the first of them
    opening: int = 0  # tells it from other first opens of the install; 0: unknown
    device_ids: int = 0  # whose id the key is of, see `InstallSeen`; 0: not recorded


def known_install(
    installs: Sequence[IndexedInstall], seen: InstallSeen | IndexedInstall, *, is_session: bool
) -> IndexedInstall | None:
    """The same install, or the session that names the same click, as it was first seen."""
    name = seen.install_id, is_session, 0 if is_session else seen.opening
    for install in installs:
        if (install.install_id, install.is_session, install.opening) == name:
            return install
    return None


def could_matter(touch: Touch, install: IndexedInstall, rules: Rules) -> bool:
    """Whether the journey of this install needs this touchpoint. Compares the two records only.

    A click id names a single click, so it joins even records in an impossible order. After the
    install, a device id or a session joins only touchpoints that may win the user back.
    """
    if install.is_session:
        known_from = install.since - rules.click_window_ms_max - rules.late_ms_max
        return touch.is_retargeting and known_from <= touch.ts <= install.ts + rules.late_ms_max
    lead, delay = install.time - touch.time, touch.ts - install.ts
    reach = rules.click_window_ms_max
    if install.signal in _CLICK_ID_SIGNALS:
        return abs(lead) <= reach and -reach - rules.late_ms_max <= delay <= rules.late_ms_max
    if lead >= 0:
        if install.signal is Signal.PROBABILISTIC:
            reach = min(reach, _NETWORK_WINDOW_MS)
        elif install.signal is Signal.WITHHELD:
            return False
        return lead <= reach and -reach - rules.late_ms_max <= delay <= rules.late_ms_max
    return (
        touch.is_retargeting
        and install.signal is Signal.DEVICE_ID
        and -lead <= rules.install_memory_ms
        and abs(delay) <= rules.install_memory_ms
    )


def could_follow(earlier: IndexedInstall, later: IndexedInstall, rules: Rules) -> bool:
    """Whether the journey of the later install needs the earlier one on the same device."""
    return (
        earlier.signal is Signal.DEVICE_ID
        and later.signal is Signal.DEVICE_ID
        and (earlier.time, earlier.install_id) < (later.time, later.install_id)
        and later.time - earlier.time <= rules.install_memory_ms
        and earlier.ts - later.ts <= rules.late_ms_max
        and later.ts - earlier.ts <= rules.install_memory_ms
    )


def install_order(install: IndexedInstall) -> tuple[EventMs, str, bool, int]:
    """The order in which a key remembers installs."""
    return install.time, install.install_id, install.is_session, install.opening


def with_install(
    installs: Sequence[IndexedInstall], install: IndexedInstall, rules: Rules
) -> tuple[list[IndexedInstall], list[Evicted]]:
    """The installs with this one, in place of itself, within the bound."""
    name = install.install_id, install.is_session, install.opening
    others = [one for one in installs if (one.install_id, one.is_session, one.opening) != name]
    kept = sorted([*others, install], key=install_order)
    if len(kept) <= rules.installs_per_key_max:
        return kept, []
    # Sessions that name a click must never evict an install. Of each kind the earliest goes.
    kept.remove(next((one for one in kept if one.is_session), kept[0]))
    return kept, [Evicted("installs_per_key_max", 1)]


def touch_order(touch: Touch) -> tuple[EventMs, str, TouchKind]:
    """The order in which a key remembers touchpoints."""
    return touch.time, touch.event_id, touch.kind


def as_prior(install: IndexedInstall) -> Prior:
    """The install as others on the device know it."""
    return Prior(install.install_id, install.time, install.ts, install.device_ids)
