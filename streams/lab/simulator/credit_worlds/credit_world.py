"""Worlds in which the causes of every install are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schemas.records import ExposurePath, ExposureTouch, Flag
from schemas.time import DAY_MS, EventMs
from streams.lab.simulator.credit_worlds.audience import (
    CHANNEL_NAMES,
    CHANNELS,
    CREDIT_DAYS,
    STEP_D,
    Contacts,
    live_one_step,
    make_audience,
)
from streams.lab.simulator.credit_worlds.install_rates import INSTALL_RATES, InstallRate, Situation
from streams.lab.simulator.credit_worlds.true_shares import true_shares
from streams.lab.simulator.draws import FloatColumn, IntColumn, generator
from streams.lab.simulator.scenario import START_MS

CREDIT_WORLDS = tuple(INSTALL_RATES)
RECEIVERS = (*CHANNEL_NAMES, "organic")
_APP = "com.tidewood.puzzle"
_STEPS = round(CREDIT_DAYS / STEP_D)


@dataclass(frozen=True, slots=True)
class CreditWorld:
    name: str
    contacts: Contacts  # in order of person and time
    installed_d: FloatColumn  # NaN: never
    prior_installs: IntColumn
    shares: FloatColumn  # of each install: one row per receiver, in order of person

    @property
    def persons(self) -> int:
        return len(self.installed_d)

    @property
    def truth(self) -> dict[str, float]:
        """Share of all installs that each receiver caused."""
        return dict(zip(RECEIVERS, self.shares.mean(axis=1).tolist(), strict=True))


def make_credit_world(name: str, seed: int, persons: int) -> CreditWorld:
    rng = generator(seed, f"credit {name}")
    rate = INSTALL_RATES[name]
    people = make_audience(rng, persons)
    installed_d = np.full(persons, np.nan)
    contacts: list[Contacts] = []
    situations: list[tuple[IntColumn, Situation]] = []
    for step in range(_STEPS):
        begin_d = step * STEP_D
        at = Situation(people.strength, people.intent, people.frailty, np.full(persons, begin_d))
        chance = -np.expm1(-rate(at) * STEP_D)
        who = np.flatnonzero(people.is_watched & (rng.random(persons) < chance))
        installed_d[who] = begin_d + STEP_D * rng.random(len(who))
        people.is_watched[who] = False
        situations.append((who, _only(at, who)))
        contacts.append(live_one_step(rng, people, begin_d))
    return CreditWorld(
        name, _ordered(contacts), installed_d, people.prior_installs, _shares(rate, situations)
    )


def exposure_paths(world: CreditWorld) -> Iterator[ExposurePath]:
    """Paths of everybody who was ever seen, from the first contact on, in order of person."""
    contacts = world.contacts
    bounds = np.searchsorted(contacts.person, np.arange(world.persons + 1))
    time = (START_MS + contacts.time_d * DAY_MS).astype(np.int64).tolist()
    channel, is_click = contacts.channel.tolist(), contacts.is_click.tolist()
    end = START_MS + CREDIT_DAYS * DAY_MS
    for person in range(world.persons):
        first, last = int(bounds[person]), int(bounds[person + 1])
        if first == last:
            continue
        installed = float(world.installed_d[person])
        is_installed = not np.isnan(installed)
        yield ExposurePath(
            path_id=str(person),
            app_id=_APP,
            begin_time=EventMs(time[first]),
            end_time=EventMs(int(START_MS + installed * DAY_MS) if is_installed else end),
            is_installed=is_installed,
            touches=[_touch(channel[n], time[n], is_click[n]) for n in range(first, last)],
            prior_installs=int(world.prior_installs[person]),
            weight=1.0,
        )


def _touch(channel: int, time: int, is_click: bool) -> ExposureTouch:
    if channel < 0:
        return ExposureTouch("owned", EventMs(time), is_click, Flag.OWNED)
    flags = Flag.SEARCH if CHANNELS[channel].is_search else 0
    return ExposureTouch(CHANNEL_NAMES[channel], EventMs(time), is_click, flags)


def _only(at: Situation, who: IntColumn) -> Situation:
    return Situation(at.strength[:, who], at.intent[who], at.frailty[who], at.time_d[who])


def _ordered(parts: list[Contacts]) -> Contacts:
    person = np.concatenate([part.person for part in parts])
    time_d = np.concatenate([part.time_d for part in parts])
    order = np.lexsort((time_d, person))
    channel = np.concatenate([part.channel for part in parts])
    is_click = np.concatenate([part.is_click for part in parts])
    return Contacts(person[order], channel[order], time_d[order], is_click[order])


def _shares(rate: InstallRate, situations: list[tuple[IntColumn, Situation]]) -> FloatColumn:
    who = np.concatenate([one for one, _ in situations])
    parts = [at for _, at in situations]
    together = Situation(
        np.concatenate([at.strength for at in parts], axis=1),
        np.concatenate([at.intent for at in parts]),
        np.concatenate([at.frailty for at in parts]),
        np.concatenate([at.time_d for at in parts]),
    )
    return np.asarray(true_shares(rate, together)[:, np.argsort(who)])
