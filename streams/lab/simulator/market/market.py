"""The market: apps, media sources, campaigns, sites and countries with different true quality."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn, generator


class FraudKind(IntEnum):
    """How a site claims installs that it did not cause."""

    NONE = 0
    CLICK_INJECTION = 1
    CLICK_FLOODING = 2


@dataclass(frozen=True, slots=True)
class MarketCountry:
    """Where people live: how many, with what phones, and how readily they pay."""

    code: str
    share: float
    ios_share: float
    payer_logit: float
    currency: str
    units_per_usd: float


@dataclass(frozen=True, slots=True)
class App:
    app_id: str
    short_name: str
    share: float
    payer_logit: float
    price_usd: float  # typical price
    ads_weight: float  # how much it shows advertisements of its own
    is_subscription: bool


@dataclass(frozen=True, slots=True)
class MediaSource:
    name: str
    channel: str
    campaigns: int
    sites: int
    install_weight: float
    touches_per_install: float
    view_share: float  # of its touchpoints
    view_driven_share: float  # of its installs
    payer_logit: float
    cpi_usd: float


@dataclass(frozen=True, slots=True)
class Campaign:
    campaign_id: str
    name: str
    source: int
    app: int
    payer_logit: float
    weight: float
    cpi_usd: float


@dataclass(frozen=True, slots=True)
class MarketSite:
    site_id: str
    source: int
    payer_logit: float
    weight: float
    conversion: float  # installs per touchpoint, relative to its media source
    fraud: FraudKind


@dataclass(frozen=True, slots=True)
class Market:
    campaigns: tuple[Campaign, ...]
    sites: tuple[MarketSite, ...]
    placement_campaign: IntColumn  # a placement is a campaign on a site of the same media source
    placement_site: IntColumn
    install_weight: FloatColumn
    touch_weight: FloatColumn
    payer_logit: FloatColumn
    view_share: FloatColumn
    view_driven_share: FloatColumn
    app: IntColumn
    fraud: IntColumn


COUNTRIES = (
    MarketCountry("US", 0.34, 0.55, 0.25, "USD", 1.0),
    MarketCountry("GB", 0.09, 0.50, 0.10, "GBP", 0.8),
    MarketCountry("DE", 0.10, 0.40, 0.10, "EUR", 0.9),
    MarketCountry("FR", 0.07, 0.35, 0.00, "EUR", 0.9),
    MarketCountry("JP", 0.08, 0.60, 0.35, "JPY", 150.0),
    MarketCountry("BR", 0.12, 0.15, -0.40, "BRL", 5.5),
    MarketCountry("MX", 0.06, 0.20, -0.30, "MXN", 18.0),
    MarketCountry("IN", 0.14, 0.06, -0.70, "INR", 85.0),
)
MARKET_APPS = (
    App("com.tidewood.puzzle", "puzzle", 0.5, 0.0, 4.0, 1.0, False),
    App("com.tidewood.run", "run", 0.2, 0.2, 9.0, 0.1, True),
    App("com.tidewood.market", "market", 0.3, 0.1, 22.0, 0.3, False),
)
MEDIA_SOURCES = (
    MediaSource("searchlight", "search", 3, 6, 0.20, 4, 0.02, 0.0, 0.45, 3.2),
    MediaSource("meadow", "social", 5, 14, 0.30, 12, 0.45, 0.25, 0.15, 2.4),
    MediaSource("vidora", "video", 4, 24, 0.20, 30, 0.85, 0.60, 0.0, 1.8),
    MediaSource("bannerly", "display", 3, 26, 0.10, 45, 0.92, 0.70, -0.4, 0.9),
    MediaSource("offerhive", "offerwall", 2, 14, 0.10, 5, 0.05, 0.0, -1.3, 0.6),
    MediaSource("adroute", "programmatic", 3, 16, 0.10, 25, 0.60, 0.35, -0.2, 1.2),
)
_FRAUD_SOURCES = {"adroute", "offerhive"}
_FRAUDULENT_SITES = 5
_FLOOD_TOUCHES = 12.0  # a flooding site sends so many times the touchpoints of an honest one


def make_market(seed: int) -> Market:
    rng = generator(seed, "world")
    sites = _sites(rng)
    campaigns = _campaigns(rng)
    return _placements(campaigns, sites)


def _campaigns(rng: np.random.Generator) -> tuple[Campaign, ...]:
    found: list[Campaign] = []
    for source, media in enumerate(MEDIA_SOURCES):
        for number in range(media.campaigns):
            app = (source + number) % len(MARKET_APPS)
            weight = float(rng.lognormal(0.0, 0.4)) * media.install_weight / media.campaigns
            found.append(
                Campaign(
                    campaign_id=f"c{len(found) + 101}",
                    name=f"{MARKET_APPS[app].short_name}_{media.channel}_{number + 1}",
                    source=source,
                    app=app,
                    payer_logit=float(rng.normal(0.0, 0.35)),
                    weight=weight * MARKET_APPS[app].share,
                    cpi_usd=media.cpi_usd * float(rng.lognormal(0.0, 0.2)),
                )
            )
    return tuple(found)


def _sites(rng: np.random.Generator) -> tuple[MarketSite, ...]:
    found: list[MarketSite] = []
    for source, media in enumerate(MEDIA_SOURCES):
        sizes = rng.pareto(1.5, media.sites) + 0.3
        weights = (sizes / sizes.sum()).tolist()
        for number in range(media.sites):
            is_fraud = media.name in _FRAUD_SOURCES and number < _FRAUDULENT_SITES
            kind = FraudKind.NONE if not is_fraud else FraudKind(1 + number % 2)
            found.append(
                MarketSite(
                    site_id=f"{media.name[:3]}-{number + 1:03d}",
                    source=source,
                    payer_logit=float(rng.normal(0.0, 0.5)),
                    weight=weights[number],
                    conversion=float(rng.lognormal(0.0, 0.4)),
                    fraud=kind,
                )
            )
    return tuple(found)


def _placements(campaigns: tuple[Campaign, ...], sites: tuple[MarketSite, ...]) -> Market:
    pairs = [
        (c, s)
        for c, campaign in enumerate(campaigns)
        for s, site in enumerate(sites)
        if site.source == campaign.source
    ]
    media = [MEDIA_SOURCES[campaigns[c].source] for c, _ in pairs]
    installs = np.array([campaigns[c].weight * sites[s].weight for c, s in pairs])
    flood = np.array([sites[s].fraud == FraudKind.CLICK_FLOODING for _, s in pairs])
    touches = installs / np.array([sites[s].conversion for _, s in pairs])
    touches *= np.array([one.touches_per_install for one in media])
    logits = [
        one.payer_logit + campaigns[c].payer_logit + sites[s].payer_logit
        for one, (c, s) in zip(media, pairs, strict=True)
    ]
    return Market(
        campaigns=campaigns,
        sites=sites,
        placement_campaign=np.array([c for c, _ in pairs], np.int64),
        placement_site=np.array([s for _, s in pairs], np.int64),
        install_weight=installs,
        touch_weight=np.where(flood, touches * _FLOOD_TOUCHES, touches),
        payer_logit=np.array(logits),
        view_share=np.array([one.view_share for one in media]),
        view_driven_share=np.array([one.view_driven_share for one in media]),
        app=np.array([campaigns[c].app for c, _ in pairs], np.int64),
        fraud=np.array([sites[s].fraud for _, s in pairs], np.int64),
    )
