"""Addresses, operating systems and user agents of people.

At home a person has an address that few others share. Elsewhere the carrier assigns one of a small
pool that many share, and another one hours later. What a person has at a time follows from the
seed alone, so a touchpoint and an install minutes apart mostly agree, and days apart do not.
"""

from __future__ import annotations

import numpy as np

from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.drafts.message_parts import MessageFields
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn
from streams.lab.simulator.ids import hash_words
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.scenario import Scenario

OS_VERSIONS = (("13", "14", "15", "16"), ("17.6", "18.1", "18.5", "26.0"))
STRANGERS = 1 << 40  # added to the numbers of people who never install

_HOME_SHARE = 0.6  # of events: from home, the others from a carrier's network
_PLACE_MS = 3 * HOUR_MS  # how long somebody stays at home or on the way
_LEASE_MS = 6 * HOUR_MS  # how long a carrier leaves somebody an address
_HOME_LEASE_MS = 10 * DAY_MS
_EVENTS_PER_CARRIER_ADDRESS = 1_500  # of one country in a month
_CARRIER_ADDRESSES_MIN = 3
_HOMES_PER_EVENT = 0.25
_ADDRESSES_PER_NETWORK = 200  # the last byte
_MODELS = 30
_TELLS_AGENT_SHARE = 0.95
_TELLS_SYSTEM_SHARE = 0.9
_OTHER_BROWSER_SHARE = 0.1  # of user agents: the same device in another browser
_UPDATED_SHARE = 0.02  # of events: the operating system is another one than before or after
_PLACE, _LEASE, _HOME, _MODEL, _AGENT, _SYSTEM, _BROWSER, _UPDATE = range(
    51, 59
)  # purposes of `hash_words`


def network_traits(
    scenario: Scenario, person: IntColumn, time: IntColumn, country: IntColumn, is_ios: BoolColumn
) -> list[MessageFields]:
    """Fields on network and device of each event; {} unless the scenario asks for traits."""
    if not scenario.tells_traits:
        return [{} for _ in range(len(person))]
    addresses = _addresses(scenario, person, time, country)
    model = np.minimum(1 / (1.03 - _chance(scenario, _MODEL, person)), _MODELS).astype(np.int64)
    has_agent = _chance(scenario, _AGENT, person + time) < _TELLS_AGENT_SHARE
    is_other = _chance(scenario, _BROWSER, person + time) < _OTHER_BROWSER_SHARE
    tells_system = _chance(scenario, _SYSTEM, person + time) < _TELLS_SYSTEM_SHARE
    is_updated = _chance(scenario, _UPDATE, person + time) < _UPDATED_SHARE
    system = (system_of(person) + is_updated) % len(OS_VERSIONS[0])
    agent = np.where(has_agent, model + _MODELS * is_other, -1)
    columns = (addresses, system, agent, is_ios, tells_system)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [_fields(*row) for row in rows]


def _fields(
    address: int, version: int, agent: int, is_ios: bool, tells_system: bool
) -> MessageFields:
    fields: MessageFields = {
        "ip": _written(address),
        "consent": {"ad_storage": True, "data_usage": True},
    }
    text = OS_VERSIONS[is_ios][version]
    if agent >= 0:
        fields["user_agent"] = f"iPhone {text}; {agent}" if is_ios else f"Android {text}; {agent}"
    if tells_system:
        fields["os_version"] = text
    return fields


def system_of(person: IntColumn) -> IntColumn:
    """Index into the operating systems of a platform."""
    return np.asarray(person % 4, np.int64)


def _addresses(
    scenario: Scenario, person: IntColumn, time: IntColumn, country: IntColumn
) -> IntColumn:
    """As 32-bit numbers. Countries, homes and carriers never share a network."""
    share = np.array([one.share for one in COUNTRIES])[country]
    pool = np.maximum(
        scenario.events * share / _EVENTS_PER_CARRIER_ADDRESS, _CARRIER_ADDRESSES_MIN
    ).astype(np.int64)
    homes = np.maximum(scenario.events * share * _HOMES_PER_EVENT, 1).astype(np.int64)
    home = (_chance(scenario, _HOME, _since(person, time, _HOME_LEASE_MS)) * homes).astype(np.int64)
    # Some carrier addresses are busier than others.
    busy = _chance(scenario, _LEASE, _since(person, time, _LEASE_MS)) ** 1.5
    away = (busy * pool).astype(np.int64)
    is_home = _chance(scenario, _PLACE, _since(person, time, _PLACE_MS)) < _HOME_SHARE
    number = np.where(is_home, home, away)
    network = number // _ADDRESSES_PER_NETWORK
    kind = 2 * country + is_home
    address: IntColumn = ((20 + kind) << 24) + (network << 8) + 1 + number % _ADDRESSES_PER_NETWORK
    return address


def _since(person: IntColumn, time: IntColumn, stay_ms: int) -> IntColumn:
    """A number that changes when the person's stay ends; stays do not end for all at once."""
    phase = person * 7_919 % stay_ms
    return np.asarray(person * 1_000_003 + (time + phase) // stay_ms, np.int64)


def _chance(scenario: Scenario, purpose: int, number: IntColumn) -> FloatColumn:
    return np.asarray(hash_words(scenario.seed, purpose, number) / 2.0**64, np.float64)


def _written(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
