"""Credit by Shapley value: what each channel adds, averaged over all orders of adding channels.

A game says what every set of channels is worth if no other channel existed. Two are played here:

* Whole paths: a set is worth the conversions of the paths that need no other channel. The value
  has a closed form, exact for any number of channels: a path is shared equally by its distinct
  channels (Zhao, Mahboobi and Bagheri, "Shapley value methods for attribution modeling in online
  advertising", 2018, arXiv:1804.05327).
* A Markov chain: a set is worth the conversions of the chain in which everyone who comes to
  another channel gives up. Unlike whole paths it heeds paths that did not convert, and joins what
  different paths have in common; the longer its order, the nearer it comes to whole paths. Its
  value is exact for few channels and estimated from sampled orders for many.

All values are conversions (or value) as they are, not shares: they sum to what was counted, and
none is negative, because no channel can lower the worth of a set here.
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
    """Values estimated from sampled orders, and the standard error of each estimate."""

    values: FloatArray
    standard_error: FloatArray


def of_paths(paths: CodedPaths) -> FloatArray:
    """Value of each channel in the game of whole paths: exact, for any number of channels."""
    count = len(paths.channels)
    owners = np.repeat(np.arange(len(paths.lengths)), paths.lengths)
    distinct = np.unique(owners * count + paths.codes)
    owner, channel = np.divmod(distinct, count)
    per_channel = paths.amounts / np.bincount(owner, minlength=len(paths.lengths))[:, None]
    return sums(channel, per_channel[owner], count)


def of_chain(chain: Chain, bounds: ChainBounds = BOUNDS) -> FloatArray | Unsolved:
    """Value of each channel in the game of a chain: exact, for few channels."""
    count = len(chain.channels)
    assert count <= bounds.channels_of_exact_game
    if len(chain.channel_of) > bounds.states_of_game:
        return Unsolved("states", bounds.states_of_game)
    worths = worth_of_sets(chain)
    sets = np.arange(1 << count)
    sizes = np.array([one.bit_count() for one in range(1 << count)])
    chances = np.array([1 / (count * comb(count - 1, size)) for size in range(count)])
    values = np.zeros((count, 2))
    for channel in range(count):
        without = sets[sets >> channel & 1 == 0]
        added = worths[without | 1 << channel] - worths[without]
        values[channel] = chances[sizes[without]] @ added
    return values


def worth_of_sets(chain: Chain) -> FloatArray:
    """Conversions and value of every set of channels; bit c of a row's index is channel c.

    A channel outside a set is struck out of the system; one inside is eliminated from it. Taken
    channel by channel for all sets at once, the 2^n systems share most of their work; and those
    of many states come first, while there are few systems.
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
    """Estimates from orders (one permutation of all channels per row; two or more).

    What a channel adds early is little when it adds much late, so each order is averaged with its
    reverse, and the standard error is that of the mean of these averages. Sums are exact.
    """
    if len(chain.channel_of) > bounds.states_of_game:
        return Unsolved("states", bounds.states_of_game)
    both_ways = np.stack([(_added(chain, one) + _added(chain, one[::-1])) / 2 for one in orders])
    error = both_ways.std(axis=0, ddof=1) / np.sqrt(len(orders))
    return Sampled(both_ways.mean(axis=0), error)


def orders_of(channels: tuple[str, ...], count: int, seed: int) -> Codes:
    """So many permutations of the channels, in the order of a hash of seed, number and name.

    The same on every machine and every version of every library.
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
    """The chain's system, the states of the first channel last, and how many each channel has.

    Its first columns are the rewards and its first row the starts: once states are eliminated,
    the corner holds what they are worth, negative.
    """
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    by_turn = np.argsort(-turn[chain.channel_of], kind="stable")
    below = np.column_stack([chain.rewards, chain.system()[:, by_turn]])[by_turn]
    border = np.concatenate([[0.0, 0.0], chain.start[by_turn]])
    sizes = np.bincount(turn[chain.channel_of], minlength=len(order))
    return np.vstack([border, below]), [int(size) for size in sizes]


def _passing(systems: FloatArray, size: int) -> FloatArray:
    """What elimination takes away: all ways that lead through the last `size` states."""
    row, column = systems.shape[1] - size, systems.shape[2] - size
    solved = np.linalg.solve(systems[:, row:, column:], systems[:, row:, :column])
    return np.asarray(systems[:, :row, column:] @ solved)


def _added(chain: Chain, order: Codes) -> FloatArray:
    """What each channel adds when channels are added in this order."""
    bordered, sizes = _bordered(chain, order)
    systems = bordered[None]
    added = np.zeros((len(order), 2))
    for channel, size in zip(order, sizes, strict=True):
        passing = _passing(systems, size)
        added[channel] = passing[0, 0, :2]
        systems = systems[:, :-size, :-size] - passing
    return added
