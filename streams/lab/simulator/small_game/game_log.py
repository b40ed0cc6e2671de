"""The log of a small game, as its producers would have sent it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from schemas import topics
from schemas.time import DAY_MS, MINUTE_MS
from streams.kafka.kcat import KcatRecord
from streams.lab.simulator.draws import generator
from streams.lab.simulator.scenario import START_MS
from streams.lab.simulator.small_game.players import (
    APPS,
    CAMPAIGN_EFFECTS,
    COUNTRY_CODES,
    NEVER_MS,
    Players,
    SmallGameRules,
    session_times,
)

_CAMPAIGNS = tuple(CAMPAIGN_EFFECTS)
_TAIL_DAYS = 31
"""Days after the last install until the log ends: its horizons are over then."""
_Row = tuple[int, str, str, dict[str, Any]]  # log time, topic, install id, event


def game_records(rules: SmallGameRules, players: Players) -> Iterator[KcatRecord]:
    """In order of log time; with the topics' names and without offsets."""
    rows = [*_clicks_and_installs(players), *_sessions(rules, players), *_purchases(rules, players)]
    end = game_end(rules)
    rows.append(
        (end, topics.ACTIVITY.name, "last", _event("session", "last", end, APPS[0], "last"))
    )
    if rules.is_by_day:
        rows = [_to_the_day(row) for row in rows]
    rows.sort(key=lambda row: (row[0], row[1] != topics.TOUCHPOINTS.name, row[1]))
    for at, topic, key, event in rows:
        yield KcatRecord(topic, None, None, at, key.encode(), orjson.dumps(event))


def game_end(rules: SmallGameRules) -> int:
    """When the last event of the log happens, in ms since 1970."""
    return START_MS + (rules.days + _TAIL_DAYS) * DAY_MS


def _event(kind: str, event_id: str, at: int, app: str, install: str) -> dict[str, Any]:
    named = {"type": kind, "schema_version": 1, "event_id": event_id, "app_id": app}
    session = {"session_id": event_id} if kind == "session" else {}
    return {**named, "event_time": at, "install_id": install, **session}


def _to_the_day(row: _Row) -> _Row:
    at, topic, key, event = row
    day = at // DAY_MS * DAY_MS
    return day, topic, key, event | {"event_time": day}


def _clicks_and_installs(players: Players) -> Iterator[_Row]:
    columns = (players.time, players.app, players.campaign, players.country)
    rows = zip(*(column.tolist() for column in columns), players.is_ios.tolist(), strict=True)
    for number, (at, app, campaign, country, is_ios) in enumerate(rows):
        if not players.is_logged[number]:
            continue
        install = f"p{number}"
        where = {"country_code": COUNTRY_CODES[country], "platform": ("android", "ios")[is_ios]}
        event = _event("install", f"{install}-i", at, APPS[app], install) | where
        if campaign:
            click = f"{install}-c"
            event["click_id"] = click
            touch = _event("touchpoint", click, at - 5 * MINUTE_MS, APPS[app], install)
            del touch["install_id"]
            touch |= {"touch_type": "click", "touch_id": click, "media_source": "north"}
            touch |= {"campaign_id": _CAMPAIGNS[campaign]}
            yield at - 5 * MINUTE_MS, topics.TOUCHPOINTS.name, click, touch | where
        yield at, topics.INSTALLS.name, install, event


def _sessions(rules: SmallGameRules, players: Players) -> Iterator[_Row]:
    player, at = session_times(generator(rules.seed, "small game sessions"), players)
    in_log = at >= START_MS
    rows = zip(player[in_log].tolist(), at[in_log].tolist(), strict=True)
    for number, (who, when) in enumerate(rows):
        install, app = f"p{who}", APPS[int(players.app[who])]
        yield (
            when,
            topics.ACTIVITY.name,
            install,
            _event("session", f"s{number}", when, app, install),
        )


def _purchases(rules: SmallGameRules, players: Players) -> Iterator[_Row]:
    """The first payment of everybody who pays, and a few more in the weeks after it."""
    rng = generator(rules.seed, "small game purchases")
    for who in (players.paid_ms != NEVER_MS).nonzero()[0].tolist():
        install, app = f"p{who}", APPS[int(players.app[who])]
        first = int(players.time[who] + players.paid_ms[who])
        more = rng.exponential(12 * DAY_MS, int(rng.poisson(1.2))).astype(int).tolist()
        for number, at in enumerate([first, *(first + later for later in more)]):
            price = int(rng.choice([0, 2, 4, 9, 19])) * 1_000_000 + 990_000
            sold = f"{install}-t{number}"
            event = _event("purchase", sold, at, app, install) | {"transaction_id": sold}
            event |= {"amount_micros": price, "currency": "USD"}
            if START_MS <= at < game_end(rules):
                yield at, topics.PAYMENTS.name, install, event
