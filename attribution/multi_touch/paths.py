"""Aggregated customer paths, and the arrays that the models compute with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec import Struct

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CONVERSIONS, VALUE = 0, 1
"""Columns of every array of amounts."""


class Path(Struct, frozen=True, gc=False):
    """A sequence of channels in order of time, repeats included, and its total outcomes.

    Amounts are not negative, and only conversions have a value. `value` is in the unit of its
    source.
    `nulls` is the number of times the path ended without a conversion.
    """

    channels: tuple[str, ...]
    conversions: float
    value: float
    nulls: float


class ChannelCredit(Struct, frozen=True, gc=False):
    """Conversions and value credited to a channel."""

    conversions: float
    value: float


@dataclass(frozen=True, slots=True)
class CodedPaths:
    """Paths as arrays: all touchpoints in a row, each as an index into `channels`.

    Channels are sorted, so the code of a channel does not depend on the order of the paths.
    """

    channels: tuple[str, ...]
    codes: Codes  # per touchpoint
    lengths: Codes  # per path
    amounts: FloatArray  # per path: conversions, value
    nulls: FloatArray  # per path

    @property
    def starts(self) -> Codes:
        """Index of the first touchpoint of each path."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def totals(self) -> FloatArray:
        """Conversions and value of all paths."""
        return np.asarray(self.amounts.sum(axis=0))


def code_paths(paths: Iterable[Path]) -> CodedPaths:
    """Encode paths as arrays. Every path must have a touchpoint: one without has no channel to
    credit."""
    codes: dict[str, int] = {}
    touches: list[int] = []
    lengths: list[int] = []
    amounts: list[tuple[float, float, float]] = []
    for path in paths:
        touches += [codes.setdefault(channel, len(codes)) for channel in path.channels]
        lengths.append(len(path.channels))
        amounts.append((path.conversions, path.value, path.nulls))
    channels = tuple(sorted(codes))
    rank = np.empty(len(codes), np.int64)
    rank[[codes[channel] for channel in channels]] = np.arange(len(codes))
    table = np.array(amounts, np.float64).reshape(-1, 3)
    return CodedPaths(
        channels,
        rank[np.array(touches, np.int64)],
        np.array(lengths, np.int64),
        table[:, :2],
        table[:, 2],
    )


def sums(codes: Codes, amounts: FloatArray, count: int) -> FloatArray:
    """Sum amounts (one column or several) by code, for the codes from 0 up to `count`
    (excluded)."""
    if amounts.ndim == 1:
        return np.bincount(codes, amounts, count).astype(np.float64, copy=False)
    return np.column_stack([sums(codes, column, count) for column in amounts.T])


def by_name(channels: tuple[str, ...], amounts: FloatArray) -> dict[str, ChannelCredit]:
    """Credit by name of the channel, most conversions first."""
    named = {
        name: ChannelCredit(*row) for name, row in zip(channels, amounts.tolist(), strict=True)
    }
    return dict(sorted(named.items(), key=lambda item: (-item[1].conversions, item[0])))
