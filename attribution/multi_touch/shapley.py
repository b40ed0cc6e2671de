"""Credit by Shapley value: what each channel adds, averaged over all orders of adding channels.

A game assigns a value to every set of channels, as if no other channel existed. There are two:

* Whole paths: the value of a set is the conversions of the paths that need no other channel. The
  Shapley value has a closed form, exact for any number of channels: a path is shared equally by its
  distinct channels (Zhao, Mahboobi and Bagheri, "Shapley value methods for attribution modeling in
  online advertising", 2018, arXiv:1804.05327).
* A Markov chain: the value of a set is the conversions of the chain if every path that reaches
  another channel ends there. Unlike whole paths it takes paths that did not convert into account,
  and pools what different paths have in common; the higher its order, the closer it comes to whole
  paths. Its Shapley value is exact for few channels and estimated from sampled orders for many.

All results are conversions and value, not shares: they sum to the counted totals, and none is
negative, because adding a channel never lowers the value of a set here.
"""

from __future__ import annotations

import hashlib
from math import comb

import numpy as np
from msgspec import Struct

from attribution.multi_touch.markov import Chain, Unsolved
from attribution.multi_touch.models import BOUNDS, ChainBounds
from attribution.multi_touch.paths import CodedPaths, Codes, FloatArray, sums


class Sampled(Struct, frozen=True):
    """Estimates from sampled orders, and the standard error of each: channels × (conversions,
    value)."""

    values: FloatArray
    standard_error: FloatArray


def of_paths(paths: CodedPaths) -> FloatArray:
    """Shapley values in the game of whole paths, exact for any number of channels: channels × 2."""
    count = len(paths.channels)
    owners = np.repeat(np.arange(len(paths.lengths)), paths.lengths)
    distinct = np.unique(owners * count + paths.codes)
    owner, channel = np.divmod(distinct, count)
    per_channel = paths.amounts / np.bincount(owner, minlength=len(paths.lengths))[:, None]
    return sums(channel, per_channel[owner], count)


def of_chain(chain: Chain, bounds: ChainBounds = BOUNDS) -> FloatArray | Unsolved:
    """Shapley values in the game of a chain, exact, for few channels: channels × 2."""
    count = len(chain.channels)
    assert count <= bounds.channels_of_exact_game
    if len(chain.channel_of) > bounds.states_of_game:
        return Unsolved("states", bounds.states_of_game)
    set_values = value_of_sets(chain)
    sets = np.arange(1 << count)
    sizes = np.array([one.bit_count() for one in range(1 << count)])
    chances = np.array([1 / (count * comb(count - 1, size)) for size in range(count)])
    values = np.zeros((count, 2))
    for channel in range(count):
        without = sets[sets >> channel & 1 == 0]
        added = set_values[without | 1 << channel] - set_values[without]
        values[channel] = chances[sizes[without]] @ added
    return values


def value_of_sets(chain: Chain) -> FloatArray:
    """Conversions and value of every set of channels; bit c of a row's index stands for channel c.

    A channel outside a set is deleted from the linear system; one inside is eliminated from it.
    Working channel by channel for all sets at once, the 2^n systems share most of the work;
    channels with many states come first, while there are few systems.
    """
    states = np.bincount(chain.channel_of, minlength=len(chain.channels))
    order = np.argsort(-states, kind="stable")
    bordered, sizes = _bordered(chain, order)
    systems, sets = bordered[None], np.zeros(1, np.int64)
    for channel, size in zip(order, sizes, strict=True):
        struck = systems[:, : systems.shape[1] - size, : systems.shape[2] - size]
        eliminated = struck - _passing(systems, size)
        systems = np.concatenate([struck, eliminated])
        sets = np.concatenate([sets, sets | 1 << channel])
    return np.asarray(-systems[np.argsort(sets), 0, :])


def sampled(chain: Chain, orders: Codes, bounds: ChainBounds = BOUNDS) -> Sampled | Unsolved:
    """Estimate Shapley values from `orders` (a permutation of all channels per row; at least two).

    A channel that adds little early adds much late, so each order is averaged with its reverse; the
    standard error is that of the mean of these averages. Sums over channels are exact.
    """
    if len(chain.channel_of) > bounds.states_of_game:
        return Unsolved("states", bounds.states_of_game)
    both_ways = np.stack([(_added(chain, one) + _added(chain, one[::-1])) / 2 for one in orders])
    error = both_ways.std(axis=0, ddof=1) / np.sqrt(len(orders))
    return Sampled(both_ways.mean(axis=0), error)


def orders_of(channels: tuple[str, ...], count: int, seed: int) -> Codes:
    """`count` permutations of the channels, sorted by a hash of seed, number and name.

    They are the same on every machine and with every version of every library.
    """
    codes = range(len(channels))
    orders = []
    for number in range(count):
        hashed = [_hashed(f"{seed}:{number}:{channel}") for channel in channels]
        orders.append(sorted(codes, key=hashed.__getitem__))
    return np.array(orders, np.int64)


def _hashed(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _bordered(chain: Chain, order: Codes) -> tuple[FloatArray, list[int]]:
    """The linear system of a chain with a border, and the number of states of each channel.

    States of the first channel come last. The first columns are the rewards and the first row the
    starts: once states are eliminated, the corner holds their value, negated.
    """
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    by_turn = np.argsort(-turn[chain.channel_of], kind="stable")
    below = np.column_stack([chain.rewards, chain.system()[:, by_turn]])[by_turn]
    border = np.concatenate([[0.0, 0.0], chain.start[by_turn]])
    sizes = np.bincount(turn[chain.channel_of], minlength=len(order))
    return np.vstack([border, below]), [int(size) for size in sizes]


def _passing(systems: FloatArray, size: int) -> FloatArray:
    """The term that elimination subtracts: all ways through the last `size` states."""
    row, column = systems.shape[1] - size, systems.shape[2] - size
    solved = np.linalg.solve(systems[:, row:, column:], systems[:, row:, :column])
    return np.asarray(systems[:, :row, column:] @ solved)


def _added(chain: Chain, order: Codes) -> FloatArray:
    """What each channel adds if channels are added in this order: channels × 2."""
    bordered, sizes = _bordered(chain, order)
    systems = bordered[None]
    added = np.zeros((len(order), 2))
    for channel, size in zip(order, sizes, strict=True):
        passing = _passing(systems, size)
        added[channel] = passing[0, 0, :2]
        systems = systems[:, :-size, :-size] - passing
    return added
