"""Who is in a fraud world: sites that cheat or do not, and how people and cheats behave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn

FRAUD_APPS = ("com.tidewood.puzzle", "com.tidewood.market")
_SOURCES = ("meadow", "vidora", "bannerly", "offerhive", "adroute")
_INJECTING_SHARE = 0.12  # of sites
_FLOODING_SHARE = 0.12


class Cheating(IntEnum):
    NONE = 0
    INJECTION = 1
    FLOODING = 2


@dataclass(frozen=True, slots=True)
class FraudSite:
    number: int
    app_id: str
    media_source: str
    cheating: Cheating
    claims: int  # installs it will claim, about
    honest_share: float  # of its claims

    @property
    def site_id(self) -> str:
        return f"{self.media_source[:3]}-{self.number:03d}"

    @property
    def campaign_id(self) -> str:
        return f"{self.media_source[:3]}-{self.app_id.rsplit('.', 1)[1]}"


class Habits(Protocol):
    """How one generator's people and cheats behave. Times are milliseconds, one per install."""

    begin_known_share: float  # of Android installs: they tell when their download began

    def __init__(self, rng: np.random.Generator) -> None: ...

    def honest_share(self, cheating: Cheating) -> float:
        """Of the claims of one site, drawn anew for every site."""

    def click_to_open(self, site: IntColumn) -> IntColumn:
        """Of honest clicks on these sites."""

    def begin_to_open(self, size: int) -> tuple[IntColumn, IntColumn]:
        """Length of the download, and how long the app then waits to be opened."""

    def injected(self, download: IntColumn, wait: IntColumn) -> IntColumn:
        """How long before the open an injected click is said to have happened."""

    def flooded(self, size: int, site: int) -> IntColumn:
        """How long before the open a flooding site's click was said to have happened."""

    def told_begin(self, begin: IntColumn) -> IntColumn:
        """The begin of the download as the device tells it."""


def make_fraud_sites(rng: np.random.Generator, habits: Habits, installs: int) -> list[FraudSite]:
    """Sites of very different sizes that claim `installs` together."""
    count = max(16, installs // 90)
    sizes = rng.pareto(2.0, count) + 0.6
    claims = np.maximum(1, sizes / sizes.sum() * installs).astype(np.int64)
    injecting, flooding = round(count * _INJECTING_SHARE), round(count * _FLOODING_SHARE)
    kinds: list[Cheating] = [Cheating.INJECTION] * injecting + [Cheating.FLOODING] * flooding
    kinds += [Cheating.NONE] * (count - len(kinds))
    order = rng.permutation(count)
    return [
        FraudSite(
            number,
            FRAUD_APPS[number % len(FRAUD_APPS)],
            _SOURCES[int(rng.integers(len(_SOURCES)))],
            kind := kinds[int(order[number])],
            int(claims[number]),
            habits.honest_share(kind),
        )
        for number in range(count)
    ]


def mixture(
    rng: np.random.Generator, size: int, parts: list[tuple[float, FloatColumn]]
) -> FloatColumn:
    """One value per place from columns that are taken so often each; shares sum to 1."""
    edges = np.cumsum([share for share, _ in parts])
    chosen = np.minimum(np.searchsorted(edges, rng.random(size), side="right"), len(parts) - 1)
    columns = np.stack([column for _, column in parts])
    return np.asarray(columns[chosen, np.arange(size)])
