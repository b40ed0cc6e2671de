"""What happened, all of it on the table: touchpoints, installs and sessions of one app."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import ActivitySeen, Installed, Prior, Signal, SiteVerdict, Touch


class Shown(NamedTuple):
    """A touchpoint, and the match keys somebody may find it under."""

    touch: Touch
    keys: tuple[str, ...]


class Opened(NamedTuple):
    """A first open, and under which keys it looks for touchpoints."""

    install: Installed
    lookups: tuple[tuple[str, Signal], ...]

    def signals(self, shown: Shown) -> list[Signal]:
        """All evidence that joins the two."""
        return [signal for key, signal in self.lookups if key in shown.keys]

    def devices(self) -> set[str]:
        return {key for key, signal in self.lookups if signal is Signal.DEVICE_ID}

    def as_prior(self) -> Prior:
        return Prior(self.install.install_id, self.install.time, self.install.ts)


class Visit(NamedTuple):
    """A session, and the key of the click that opened it; "" when its link names none."""

    session: ActivitySeen
    key: str


class History(NamedTuple):
    shown: tuple[Shown, ...]
    opened: tuple[Opened, ...]
    visits: tuple[Visit, ...]
    verdicts: tuple[SiteVerdict, ...] = ()
