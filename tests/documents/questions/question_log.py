"""A log of two months in which it is plain who has the credit: the latest click of the device."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.stages.contract import CLOCK_KEY

Event = dict[str, Any]

BEGIN = 1_767_225_600_000  # 2026-01-01, UTC
DAYS = 60
YOUNG_FROM = 52
APPS = ("com.example.puzzle", "com.example.run")
NETWORKS = {"north": ("n-1", "n-2"), "south": ("s-1",), "east": ("e-1",)}
COUNTRIES = ("DE", "US", "JP")
PRODUCTS = {"coins": 1_990_000, "chest": 9_990_000, "pass": 4_990_000}
TOPICS = {
    "touchpoint": "touchpoints", "install": "installs", "session": "activity",
    "in_app_event": "activity", "purchase": "payments", "refund": "payments",
    "ad_revenue": "payments", "cost": "costs", "exchange_rate": "costs",
}  # fmt: skip
ALL_TOPICS = (*dict.fromkeys(TOPICS.values()), "postbacks", "privacy-requests")


@dataclass
class QuestionLog:
    """Events in the order of the log; each is logged two seconds after it happened."""

    events: list[Event] = field(default_factory=list)

    def add(self, kind: str, app: str, at: int, **fields: Any) -> Event:
        event = {
            "type": kind,
            "schema_version": 1,
            "event_id": f"{kind}-{len(self.events)}",
            "app_id": app,
            "event_time": at,
            **fields,
        }
        self.events.append(event)
        return event

    def of(self, *kinds: str) -> list[Event]:
        """Distinct events of production of these types."""
        found = {event["event_id"]: event for event in self.events if event["type"] in kinds}
        return [event for event in found.values() if event.get("environment") != "sandbox"]

    def write(self, file: Path) -> None:
        """The log as files of kcat, with a clock tick at its end in every partition."""
        end = BEGIN + DAYS * DAY_MS
        offsets = dict.fromkeys(ALL_TOPICS, 0)
        with file.open("w") as opened:
            for event in sorted(self.events, key=lambda one: int(one["event_time"])):
                topic = TOPICS[event["type"]]
                line = {
                    "topic": topic, "partition": 0, "offset": offsets[topic],
                    "ts": event["event_time"] + 2_000, "payload": json.dumps(event),
                }  # fmt: skip
                offsets[topic] += 1
                opened.write(json.dumps(line) + "\n")
            for topic, offset in offsets.items():
                for partition in range(4):
                    tick = {
                        "topic": topic, "partition": partition, "ts": end,
                        "offset": 0 if partition else offset, "key": CLOCK_KEY.decode(),
                        "payload": "",
                    }  # fmt: skip
                    opened.write(json.dumps(tick) + "\n")


def question_log(seed: int = 1, installs: int = 130) -> QuestionLog:
    rng, log = Random(seed), QuestionLog()
    for day in range(DAYS):
        _reports(log, rng, day)
    for number in range(installs):
        is_young = number % 10 == 0
        day = rng.randrange(YOUNG_FROM, DAYS - 1) if is_young else rng.randrange(20)
        _life(log, rng, number, BEGIN + day * DAY_MS + rng.randrange(DAY_MS - HOUR_MS))
    # What no answer may count: a purchase that comes twice, and one of a test.
    log.events.append(dict(log.of("purchase")[0]))
    log.add(
        "purchase", APPS[0], BEGIN + 30 * DAY_MS, install_id="i3", transaction_id="test",
        product_id="coins", amount_micros=10**9, currency="USD", environment="sandbox",
    )  # fmt: skip
    return log


def _reports(log: QuestionLog, rng: Random, day: int) -> None:
    """Costs of the day, one of them in euros, and a rate of the day."""
    date = _date(BEGIN + day * DAY_MS)
    noon = BEGIN + day * DAY_MS + 12 * HOUR_MS
    log.add(
        "exchange_rate", "", noon - 12 * HOUR_MS + day, date=date, base_currency="EUR",
        quote_currency="USD", rate_e9=1_080_000_000 + 1_000_000 * day,
    )  # fmt: skip
    for app in APPS:
        for network, campaigns in NETWORKS.items():
            for campaign in campaigns:
                if day < 25:
                    log.add(
                        "cost", app, noon, date=date, media_source=network, campaign_id=campaign,
                        amount_micros=rng.randrange(2_000_000, 9_000_000), source="network",
                        currency="EUR" if network == "south" else "USD",
                    )  # fmt: skip


def _life(log: QuestionLog, rng: Random, number: int, at: int) -> None:
    app, install = rng.choice(APPS), f"i{number}"
    device = f"{number:08d}-aaaa-4bbb-8ccc-{number:012d}"
    for network in rng.sample(sorted(NETWORKS), rng.choice((0, 0, 1, 1, 1, 2))):
        log.add(
            "touchpoint", app, at - rng.randrange(10 * MINUTE_MS, 20 * HOUR_MS), touch_type="click",
            touch_id=f"t{len(log.events)}", media_source=network, platform="android",
            campaign_id=rng.choice(NETWORKS[network]), site_id=f"site-{rng.randrange(2)}",
            gaid=device,
        )  # fmt: skip
    log.add(
        "install", app, at, install_id=install, gaid=device, platform="android",
        country_code=rng.choice(COUNTRIES),
    )  # fmt: skip
    end = BEGIN + DAYS * DAY_MS - MINUTE_MS
    stays = rng.choice((0, 1, 5, 20, 45))
    for day in range(stays + 1):
        when = at + day * DAY_MS + rng.randrange(MINUTE_MS, DAY_MS)
        if when < end and rng.random() < 0.6:
            log.add("session", app, when, install_id=install, session_id=f"s{len(log.events)}")
    if rng.random() < 0.5 and (when := at + rng.randrange(MINUTE_MS, 9 * DAY_MS)) < end:
        log.add("in_app_event", app, when, install_id=install, name="tutorial_complete")
    _payments(log, rng, app, install, at)


def _payments(log: QuestionLog, rng: Random, app: str, install: str, at: int) -> None:
    end = BEGIN + DAYS * DAY_MS - 2 * DAY_MS
    for _ in range(rng.choice((0, 0, 0, 1, 2, 4))):
        when, product = at + rng.randrange(HOUR_MS, 33 * DAY_MS), rng.choice(sorted(PRODUCTS))
        if when >= end:
            continue
        sale = log.add(
            "purchase", app, when, install_id=install, transaction_id=f"x{len(log.events)}",
            product_id=product, amount_micros=PRODUCTS[product],
            currency=rng.choice(("USD", "USD", "EUR", "CHF")),
        )  # fmt: skip
        if rng.random() < 0.15:
            log.add(
                "refund", app, when + DAY_MS, refund_id=f"r{len(log.events)}", source="store",
                transaction_id=sale["transaction_id"],
            )  # fmt: skip
    for _ in range(rng.choice((0, 2, 6))):
        when = at + rng.randrange(MINUTE_MS, 12 * DAY_MS)
        if when < end:
            log.add(
                "ad_revenue", app, when, install_id=install, impression_id=f"a{len(log.events)}",
                amount_micros=rng.randrange(500, 40_000), currency="USD",
                monetization_network=rng.choice(("shown", "played")),
            )  # fmt: skip


def _date(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
