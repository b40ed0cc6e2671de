"""What happened, all of it on the table: touchpoints, installs and sessions of one app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.records import (
    ActivitySeen,
    ChoiceSeen,
    ErasureSeen,
    Installed,
    Prior,
    Signal,
    SiteVerdict,
    Touch,
)
from tests.oracle.rulebook import CLICK_MAX, DAY, LATE_MAX, MEMORY


class Shown(NamedTuple):
    """A touchpoint, and the match keys somebody may find it under."""

    touch: Touch
    keys: tuple[str, ...]


class Opened(NamedTuple):
    """A first open, and under which keys it looks for touchpoints."""

    install: Installed
    lookups: tuple[tuple[str, Signal], ...]

    def signals(self, shown: Shown, erasures: Iterable[ErasureSeen] = ()) -> list[Signal]:
        """All evidence that joins the two, and is near enough to be looked at."""
        if shown.touch.ts <= self.click_cut_ts(shown, erasures):
            return []
        return [
            signal
            for key, signal in self.lookups
            if key in shown.keys
            and is_near(shown.touch, signal, self.install)
            and (signal is not Signal.DEVICE_ID or shown.touch.ts > self.cut_ts(erasures))
        ]

    def devices(self) -> set[str]:
        return {key for key, signal in self.lookups if signal is Signal.DEVICE_ID}

    def erased_ts(self, erasures: Iterable[ErasureSeen]) -> int:
        """When its user first asked to be forgotten, by an id or by naming the install; 0: never.

        Who installs later begins anew.
        """
        keys = {own_key(self.install.install_id), *(key for key, _ in self.lookups)}
        asked = [one.ts for one in erasures if one.key in keys and one.ts >= self.install.ts]
        return min(asked, default=0)

    def cut_ts(self, erasures: Iterable[ErasureSeen]) -> int:
        """When somebody who had one of its devices before last asked to be forgotten, by whichever
        id; 0: never."""
        devices = self.devices()
        keys = {*devices, *map(behind, devices)}
        return max(self._before(keys, erasures), default=0)

    def click_cut_ts(self, shown: Shown, erasures: Iterable[ErasureSeen]) -> int:
        """The same of somebody whose install named the click that both have."""
        clicks = {key for key, signal in self.lookups if signal in NAMING and key in shown.keys}
        return max(self._before(set(map(behind, clicks)), erasures), default=0)

    def _before(self, keys: set[str], erasures: Iterable[ErasureSeen]) -> list[int]:
        return [one.ts for one in erasures if one.key in keys and one.ts < self.install.ts]

    def refuses(
        self, keys: Iterable[str], signal: Signal, ts: int, choices: Iterable[ChoiceSeen]
    ) -> bool:
        """Whether its user has opted out of what joins it, by these keys, with a record logged at
        `ts`. Of requests logged before both the latest counts."""
        if signal is Signal.DEVICE_ID:
            if any(is_vendor_key(key) for key in keys):
                return False
        elif signal is not Signal.PROBABILISTIC:
            return False
        own = {own_key(self.install.install_id), *self.devices()}
        at = max(ts, self.install.ts)
        made = [(one.ts, one.request_id, one.is_refused) for one in choices if one.key in own]
        return max([one for one in made if one[0] < at], default=(0, "", False))[2]

    def joining(self, shown: Shown, erasures: Iterable[ErasureSeen] = ()) -> set[str]:
        """The device ids that join the two."""
        if Signal.DEVICE_ID not in self.signals(shown, erasures):
            return set()
        return self.devices() & set(shown.keys)

    def as_prior(self) -> Prior:
        return Prior(self.install.install_id, self.install.time, self.install.ts)


NAMING = frozenset({Signal.REFERRER, Signal.CLICK_ID})


def behind(key: str) -> str:
    """Under which an erasure names what an erased install was known by: nobody else is erased, and
    nobody who comes later is linked to what was before."""
    return f"behind {key}"


def own_key(install_id: str) -> str:
    """Under which an erasure names the install itself."""
    return f"install {install_id}"


def is_vendor_key(key: str) -> bool:
    """Whether the id is of the vendor of the app, which nobody else knows."""
    return key == "d:d1"


def is_near(touch: Touch, signal: Signal, install: Installed) -> bool:
    """Whether the two records are considered together at all; what is not, is not remembered.

    A click id is of one click, so it counts also in the wrong order. A touchpoint after the
    install, on its device, is remembered longer, if it is meant to bring the user back.
    """
    ahead, waited = install.time - touch.time, install.ts - touch.ts
    is_click_id = signal in (Signal.REFERRER, Signal.CLICK_ID)
    if signal is Signal.DEVICE_ID and ahead < 0:
        return touch.is_retargeting and -ahead <= MEMORY and abs(waited) <= MEMORY
    reach = DAY if signal is Signal.PROBABILISTIC else CLICK_MAX
    return (
        ahead <= reach
        and (ahead >= 0 or (is_click_id and -ahead <= reach))
        and -LATE_MAX <= waited <= reach + LATE_MAX
    )


class Visit(NamedTuple):
    """A session, once, and the key of the click that opened it; "" when its link names none."""

    session: ActivitySeen
    key: str


class Naming(NamedTuple):
    """A session named a click. Copies of a session, and those that come too late, do so as well."""

    install_id: str
    key: str
    ts: int


class History(NamedTuple):
    shown: tuple[Shown, ...]
    opened: tuple[Opened, ...]
    visits: tuple[Visit, ...]
    namings: tuple[Naming, ...]
    verdicts: tuple[SiteVerdict, ...] = ()
    erasures: tuple[ErasureSeen, ...] = ()
    choices: tuple[ChoiceSeen, ...] = ()


def namings_of(visits: Iterable[Visit]) -> tuple[Naming, ...]:
    """What sessions say of clicks."""
    return tuple(
        Naming(visit.session.install_id, visit.key, visit.session.ts)
        for visit in visits
        if visit.key
    )
