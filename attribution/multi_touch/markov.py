"""Credit by removal effect in an absorbing Markov chain of any order.

The chain walks from channel to channel until it converts or gives up; a state is the last `order`
channels of a path. The removal effect of a channel is the share of conversions that would be lost
if everyone who comes to it gave up there (Anderl et al., "Mapping the customer journey", 2016;
the chain and its meaning of repeats and order are those of ChannelAttribution, whose simulation
converges to what is solved here). Credit is shared in proportion to removal effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct

from attribution.multi_touch.models import BOUNDS, ChainBounds
from attribution.multi_touch.paths import CodedPaths, Codes, FloatArray, sums

STILL_WALKING = 1e-13
"""A walk ends once at most this share of all paths has not ended; it bounds the error of a
result."""


class Unsolved(Struct, frozen=True):
    """There is no answer, because the chain has more states or needs more steps than the limit."""

    what: Literal["states", "steps"]
    limit: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A Markov chain fitted to counted paths: its expected conversions equal the counted ones.

    Arrays have one entry per state or per transition; amounts have two columns, conversions and
    value."""

    channels: tuple[str, ...]
    channel_of: Codes  # per state: the channel touched last
    come_from: Codes  # per transition: its two states and its probability
    go_to: Codes
    chance: FloatArray
    start: FloatArray  # per state: number of paths that begin in it
    visits: FloatArray  # per state: number of visits
    rewards: FloatArray  # per state: amounts expected on leaving it
    totals: FloatArray  # amounts of all paths

    def system(self) -> FloatArray:
        """The identity minus the probabilities of going from state to state."""
        dense = np.eye(len(self.channel_of))
        dense[self.come_from, self.go_to] -= self.chance
        return dense


def fit_chain(paths: CodedPaths, order: int, bounds: ChainBounds = BOUNDS) -> Chain | Unsolved:
    """Fit a chain to paths. Its states are the last `order` (1 or more) channels of a path."""
    states, channel_of = _contexts(paths, order)
    count = len(channel_of)
    if count > bounds.states:
        return Unsolved("states", bounds.states)
    taken = paths.amounts[:, 0] + paths.nulls
    taken_per_touch = np.repeat(taken, paths.lengths)
    visits = sums(states, taken_per_touch, count)
    per_visit = _divided(np.ones(count), visits)
    later = np.delete(np.arange(len(states)), paths.starts)
    moves, kind = np.unique(states[later - 1] * count + states[later], return_inverse=True)
    come_from, go_to = np.divmod(moves, count)
    moved = sums(kind, taken_per_touch[later], len(moves))
    ends = states[paths.starts + paths.lengths - 1]
    left_with = sums(ends, paths.amounts, count)
    return Chain(
        channels=paths.channels,
        channel_of=channel_of,
        come_from=come_from,
        go_to=go_to,
        chance=moved * per_visit[come_from],
        start=sums(states[paths.starts], taken, count),
        visits=visits,
        rewards=left_with * per_visit[:, None],
        totals=paths.totals,
    )


def removal_effects(chain: Chain, bounds: ChainBounds = BOUNDS) -> FloatArray | Unsolved:
    """Share of conversions and of value that would be lost without each channel: channels × 2."""
    if len(chain.channel_of) <= bounds.states_inverted:
        lost = _lost_by_inverse(chain)
    else:
        walked = _kept_by_walking(chain, bounds.steps_walked)
        if isinstance(walked, Unsolved):
            return walked
        lost = chain.totals - walked
    return _divided(lost, chain.totals)


def removal_credit(effects: FloatArray, totals: FloatArray) -> FloatArray:
    """Conversions and value of each channel, in proportion to its removal effects: channels × 2."""
    return _divided(effects * totals, effects.sum(axis=0))


def _divided(amounts: FloatArray, by: FloatArray) -> FloatArray:
    """Divide; 0 where the divisor is 0."""
    return np.divide(amounts, by, out=np.zeros_like(amounts), where=by > 0)


def _lost_by_inverse(chain: Chain) -> FloatArray:
    """Amounts lost without each channel: first visits to it, times the amounts expected from there.

    All visits are first visits and returns, so the first visits to the states of a channel are the
    solution of a linear system of these states alone.
    """
    reached = np.linalg.inv(chain.system())
    ahead = reached @ chain.rewards
    lost = np.zeros((len(chain.channels), 2))
    for channel in range(len(chain.channels)):
        states = np.flatnonzero(chain.channel_of == channel)
        returns = reached[np.ix_(states, states)]
        lost[channel] = np.linalg.solve(returns.T, chain.visits[states]) @ ahead[states]
    return lost


def _kept_by_walking(chain: Chain, steps_max: int) -> FloatArray | Unsolved:
    """Amounts kept without each channel, found by walking all paths step by step until they end."""
    kept = np.zeros((len(chain.channels), 2))
    for channel in range(len(chain.channels)):
        is_open = chain.channel_of != channel
        usable = is_open[chain.go_to]
        come_from, go_to = chain.come_from[usable], chain.go_to[usable]
        walking, chance = chain.start * is_open, chain.chance[usable]
        visits = walking.copy()
        enough = STILL_WALKING * chain.start.sum()
        for _ in range(steps_max):
            if walking.sum() <= enough:
                break
            walking = sums(go_to, walking[come_from] * chance, len(visits))
            visits += walking
        else:
            return Unsolved("steps", steps_max)
        kept[channel] = visits @ chain.rewards
    return kept


def _contexts(paths: CodedPaths, order: int) -> tuple[Codes, Codes]:
    """The state after each touchpoint, and the channel of each state."""
    states = np.unique(paths.codes, return_inverse=True)[1]
    for _ in range(min(order, int(paths.lengths.max())) - 1):
        before = np.empty_like(states)
        before[1:] = states[:-1] + 1
        before[paths.starts] = 0
        extended = before * len(paths.channels) + paths.codes
        states = np.unique(extended, return_inverse=True)[1]
    channel_of = np.empty(int(states.max()) + 1, np.int64)
    channel_of[states] = paths.codes
    return states, channel_of
