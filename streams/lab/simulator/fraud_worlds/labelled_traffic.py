"""Messages of a fraud world on the source topics, and the truth behind every install."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np
from msgspec import json

from schemas import topics
from schemas.records import site_key
from schemas.time import DAY_MS, SECOND_MS
from streams.lab.simulator.drafts.message_parts import MessageFields
from streams.lab.simulator.draws import IntColumn, generator
from streams.lab.simulator.fraud_worlds.fraud_sites import (
    FRAUD_APPS,
    FraudSite,
    Habits,
    make_fraud_sites,
)
from streams.lab.simulator.ids import device_ids, run_prefix
from streams.lab.simulator.market.market import FraudKind
from streams.lab.simulator.scenario import START_MS

_DAYS = 24
_FIRST_INSTALLS_DAY = 3
_INSTALL_SHARE = 0.14  # of events
_ORGANIC_SHARE = 0.4  # of installs
_IOS_SHARE = 0.3
_DEVICE_ID_SHARE = (0.85, 0.35)  # Android, iOS
_CARRIES_CLICK_SHARE = (0.85, 0.4)  # the click id survives the way through the store
_ROBBED_ORGANIC_SHARE = 0.85  # of the victims of flooding
_MORE_CLICKS = 0.5  # of a flooding site on one victim, beside the first
_FLOOD_SHOWN = 12.0  # touchpoints of a flooding site, for one of an honest site of its size
_DELIVERY_MS = 2_000.0
_TOUCHES_PER_DEVICE = 4
_INSTALLER_DEVICES, _PASSER_BY_DEVICES = 61, 63  # purposes of `device_ids`


class Label(NamedTuple):
    """What is true of one install."""

    install_id: str
    touch_id: str  # of the click that led to it; "" for an organic one
    cheating: FraudKind
    fake_touch_ids: tuple[str, ...]  # of the clicks nobody made
    cheating_site: str  # see schemas.records.site_key


class LabelledMessage(NamedTuple):
    topic: str
    timestamp: int
    key: bytes
    value: bytes


@dataclass(slots=True)
class LabelledTraffic:
    """In log order."""

    messages: list[LabelledMessage] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    flooding_sites: set[str] = field(default_factory=set)

    @property
    def end_ms(self) -> int:
        return START_MS + _DAYS * DAY_MS


@dataclass(frozen=True, slots=True)
class _Installs:
    """One element per install."""

    site: IntColumn  # whose click led to it; -1: organic
    app: IntColumn
    opened: IntColumn
    download: IntColumn
    wait: IntColumn
    lead: IntColumn  # from the click that led to it
    is_ios: IntColumn
    has_device_id: IntColumn

    @property
    def begun(self) -> IntColumn:
        return self.opened - self.download - self.wait


def make_traffic(kind: type[Habits], seed: int, events: int) -> LabelledTraffic:
    """Equal arguments give equal messages."""
    rng = generator(seed, kind.__name__)
    return _Writer(kind(rng), rng, seed, events).write()


class _Writer:
    def __init__(self, habits: Habits, rng: np.random.Generator, seed: int, events: int) -> None:
        self._habits, self._rng = habits, rng
        self._seed, self._events = seed, events
        self._run = run_prefix(seed)
        claimed = round(events * _INSTALL_SHARE * (1 - _ORGANIC_SHARE))
        self._sites = make_fraud_sites(rng, habits, claimed)
        self._installs = self._people(round(events * _INSTALL_SHARE * _ORGANIC_SHARE))
        self._devices = device_ids(seed, _INSTALLER_DEVICES, np.arange(len(self._installs.opened)))
        self._fakes: dict[int, tuple[FraudSite, tuple[str, ...]]] = {}
        self._out = LabelledTraffic()
        self._touches = 0

    def write(self) -> LabelledTraffic:
        out = self._out
        genuine = self._genuine_touches()
        for site in self._sites:
            if site.cheating is not FraudKind.NONE:
                self._cheat(site)
        self._passers_by(self._events - len(out.messages) - len(self._installs.opened))
        self._open(genuine)
        for number, touch_id in enumerate(genuine):
            fake = self._fakes.get(number)
            kind = fake[0].cheating if fake else FraudKind.NONE
            ids, key = (fake[1], _key(fake[0])) if fake else ((), "")
            out.labels.append(Label(self._install_id(number), touch_id, kind, ids, key))
        floods = [one for one in self._sites if one.cheating is FraudKind.CLICK_FLOODING]
        out.flooding_sites = {_key(site) for site in floods}
        out.messages.sort(key=lambda message: (message.timestamp, message.key))
        return out

    def _people(self, organic: int) -> _Installs:
        rng, habits = self._rng, self._habits
        honest = [round(site.claims * site.honest_share) for site in self._sites]
        site = np.repeat(np.arange(len(self._sites)), honest)
        site = rng.permutation(np.r_[site, np.full(organic, -1)])
        size = len(site)
        own = np.array([FRAUD_APPS.index(one.app_id) for one in self._sites])
        app = np.where(site < 0, rng.integers(0, len(FRAUD_APPS), size), own[site])
        span = (_FIRST_INSTALLS_DAY * DAY_MS, _DAYS * DAY_MS)
        opened = np.sort(START_MS + rng.integers(*span, size))
        lead = habits.click_to_open(np.maximum(site, 0))
        download, wait = habits.begin_to_open(size)
        # The store page comes first, then the download, then the open; all after the click.
        room = np.where(site < 0, DAY_MS, (lead * 0.85).astype(np.int64))
        shrink = np.minimum(1.0, room / (download + wait))
        is_ios = rng.random(size) < _IOS_SHARE
        share = np.where(is_ios, _DEVICE_ID_SHARE[1], _DEVICE_ID_SHARE[0])
        return _Installs(
            site=site,
            app=app,
            opened=opened,
            download=(download * shrink).astype(np.int64),
            wait=(wait * shrink).astype(np.int64),
            lead=lead,
            is_ios=is_ios.astype(np.int64),
            has_device_id=(rng.random(size) < share).astype(np.int64),
        )

    def _genuine_touches(self) -> list[str]:
        """The click that led to each install, "" for organic ones."""
        installs, found = self._installs, []
        shows = self._rng.random(len(installs.site)) < 0.85
        for number, site in enumerate(installs.site.tolist()):
            if site < 0:
                found.append("")
                continue
            time = int(installs.opened[number] - installs.lead[number])
            known = bool(shows[number] and installs.has_device_id[number])
            found.append(self._touch(self._sites[site], time, number if known else -1))
        return found

    def _cheat(self, site: FraudSite) -> None:
        wanted = site.claims - round(site.claims * site.honest_share)
        installs, rng = self._installs, self._rng
        app = FRAUD_APPS.index(site.app_id)
        free = (installs.app == app) & (installs.has_device_id == 1)
        free[list(self._fakes)] = False
        if site.cheating is FraudKind.CLICK_INJECTION:
            free &= installs.is_ios == 0
            victims = _some(rng, np.flatnonzero(free), wanted)
        else:
            organic = _some(
                rng,
                np.flatnonzero(free & (installs.site < 0)),
                round(wanted * _ROBBED_ORGANIC_SHARE),
            )
            others = np.flatnonzero(free & (installs.site >= 0) & (installs.site != site.number))
            victims = np.r_[organic, _some(rng, others, wanted - len(organic))]
        for victim, leads in zip(victims.tolist(), self._fake_leads(site, victims), strict=True):
            opened = int(installs.opened[victim])
            ids = tuple(self._touch(site, opened - lead, victim) for lead in leads)
            self._fakes[victim] = site, ids

    def _fake_leads(self, site: FraudSite, victims: IntColumn) -> list[list[int]]:
        installs, habits = self._installs, self._habits
        if site.cheating is FraudKind.CLICK_INJECTION:
            leads = habits.injected(installs.download[victims], installs.wait[victims])
            return [[lead] for lead in leads.tolist()]
        counts = 1 + self._rng.poisson(_MORE_CLICKS, len(victims))
        every = habits.flooded(int(counts.sum()), site.number).tolist()
        ends = np.cumsum(counts).tolist()
        return [every[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]

    def _passers_by(self, count: int) -> None:
        rng = self._rng
        weights = np.array(
            [
                site.claims * (_FLOOD_SHOWN if site.cheating is FraudKind.CLICK_FLOODING else 1.0)
                for site in self._sites
            ]
        )
        chosen = rng.choice(len(self._sites), max(0, count), p=weights / weights.sum())
        times = START_MS + rng.integers(0, _DAYS * DAY_MS, len(chosen))
        numbers = rng.integers(0, max(1, count // _TOUCHES_PER_DEVICE), len(chosen))
        devices = device_ids(self._seed, _PASSER_BY_DEVICES, numbers)
        for site, time, device in zip(chosen.tolist(), times.tolist(), devices, strict=True):
            self._touch(self._sites[site], time, device)

    def _touch(self, site: FraudSite, time: int, device: int | str) -> str:
        touch_id = f"{self._run}-c{self._touches:x}"
        self._touches += 1
        fields: MessageFields = {
            "type": "touchpoint",
            "schema_version": 1,
            "event_id": touch_id + "-e",
            "app_id": site.app_id,
            "event_time": max(time, START_MS),
            "touch_type": "click",
            "touch_id": touch_id,
            "media_source": site.media_source,
            "campaign_id": site.campaign_id,
            "site_id": site.site_id,
        }
        if device != -1:
            fields["gaid"] = self._devices[device] if isinstance(device, int) else device
        self._write(topics.TOUCHPOINTS.name, fields, touch_id)
        return touch_id

    def _open(self, genuine: list[str]) -> None:
        installs, rng = self._installs, self._rng
        size = len(genuine)
        begun = self._habits.reported_begin(installs.begun)
        tells_begin = rng.random(size) < self._habits.begin_known_share
        share = np.where(installs.is_ios == 1, _CARRIES_CLICK_SHARE[1], _CARRIES_CLICK_SHARE[0])
        carries = rng.random(size) < share
        for number, touch_id in enumerate(genuine):
            fields: MessageFields = {
                "type": "install",
                "schema_version": 1,
                "event_id": self._install_id(number) + "-e",
                "app_id": FRAUD_APPS[int(installs.app[number])],
                "event_time": int(installs.opened[number]),
                "install_id": self._install_id(number),
                "platform": "ios" if installs.is_ios[number] else "android",
            }
            if installs.has_device_id[number]:
                fields["gaid"] = self._devices[number]
            clicked = touch_id if carries[number] else ""
            if installs.is_ios[number]:
                fields |= {"click_id": clicked} if clicked else {}
            else:
                fields |= self._referrer(number, clicked)
                if tells_begin[number]:
                    fields["install_begin_time_server_s"] = int(begun[number]) // SECOND_MS
            self._write(topics.INSTALLS.name, fields, self._install_id(number))

    def _referrer(self, number: int, touch_id: str) -> MessageFields:
        if not touch_id:
            return {"install_referrer": "utm_source=google-play&utm_medium=organic"}
        clicked = int(self._installs.opened[number] - self._installs.lead[number])
        return {
            "install_referrer": urlencode({"click_id": touch_id}),
            "referrer_click_time_server_s": clicked // SECOND_MS,
        }

    def _install_id(self, number: int) -> str:
        return f"{self._run}-i{number:x}"

    def _write(self, topic: str, fields: MessageFields, key: str) -> None:
        delay = int(self._rng.exponential(_DELIVERY_MS))
        time = min(fields["event_time"] + delay, self._out.end_ms)
        self._out.messages.append(LabelledMessage(topic, time, key.encode(), json.encode(fields)))


def _key(site: FraudSite) -> str:
    return site_key(site.app_id, site.media_source, site.site_id)


def _some(rng: np.random.Generator, every: IntColumn, wanted: int) -> IntColumn:
    return rng.permutation(every)[: max(0, wanted)]
