"""Sites of a fraud world, honest or fraudulent, and the habits of people and fraudsters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.market.market import FraudKind

FRAUD_APPS = ("com.tidewood.puzzle", "com.tidewood.market")
_SOURCES = ("meadow", "vidora", "bannerly", "offerhive", "adroute")
_INJECTING_SHARE = 0.12  # of sites
_FLOODING_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class FraudSite:
    """A site of one app and media source, and what it claims."""

    number: int
    app_id: str
    media_source: str
    cheating: FraudKind
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

    begin_known_share: float  # of Android installs that report when their download began

    def __init__(self, rng: np.random.Generator) -> None: ...

    def honest_share(self, cheating: FraudKind) -> float:
        """Share of honest claims of one site, drawn anew for every site."""

    def click_to_open(self, site: IntColumn) -> IntColumn:
        """Times from honest clicks on these sites to the open."""

    def begin_to_open(self, size: int) -> tuple[IntColumn, IntColumn]:
        """Length of the download, and how long the app then waits to be opened."""

    def injected(self, download: IntColumn, wait: IntColumn) -> IntColumn:
        """Claimed time from an injected click to the open."""

    def flooded(self, size: int, site: int) -> IntColumn:
        """Claimed time from a flooding site's click to the open."""

    def reported_begin(self, begin: IntColumn) -> IntColumn:
        """The begin of the download as the device reports it."""


def make_fraud_sites(rng: np.random.Generator, habits: Habits, installs: int) -> list[FraudSite]:
    """Sites of very different sizes that claim `installs` together."""
    count = max(16, installs // 90)
    sizes = rng.pareto(2.0, count) + 0.6
    claims = np.maximum(1, sizes / sizes.sum() * installs).astype(np.int64)
    injecting, flooding = round(count * _INJECTING_SHARE), round(count * _FLOODING_SHARE)
    kinds: list[FraudKind] = [FraudKind.CLICK_INJECTION] * injecting + [
        FraudKind.CLICK_FLOODING
    ] * flooding
    kinds += [FraudKind.NONE] * (count - len(kinds))
    order = rng.permutation(count)
    return [
        FraudSite(
            number=number,
            app_id=FRAUD_APPS[number % len(FRAUD_APPS)],
            media_source=_SOURCES[int(rng.integers(len(_SOURCES)))],
            cheating=(kind := kinds[int(order[number])]),
            claims=int(claims[number]),
            honest_share=habits.honest_share(kind),
        )
        for number in range(count)
    ]


def mixture(
    rng: np.random.Generator, size: int, parts: list[tuple[float, FloatColumn]]
) -> FloatColumn:
    """A value per element, drawn from one of the columns, each with its share; shares sum to 1."""
    edges = np.cumsum([share for share, _ in parts])
    chosen = np.minimum(np.searchsorted(edges, rng.random(size), side="right"), len(parts) - 1)
    columns = np.stack([column for _, column in parts])
    return np.asarray(columns[chosen, np.arange(size)])
