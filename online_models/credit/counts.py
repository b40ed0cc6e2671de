"""Counts from which the weights of Markov removal effects are computed, by channel code."""

from __future__ import annotations

import itertools

from msgspec import Struct, field

SETS_MAX = 2_048
"""Distinct sets of channels in one block; installs with further sets are only counted."""


class PathCounts(Struct, array_like=True):
    """Weighted counts of paths. One without touchpoints has no channel to credit: not counted."""

    starts: dict[int, float] = field(default_factory=dict)
    moves: dict[tuple[int, int], float] = field(default_factory=dict)
    converted: dict[int, float] = field(default_factory=dict)  # by the last channel
    given_up: dict[int, float] = field(default_factory=dict)
    sets: dict[tuple[int, ...], float] = field(default_factory=dict)  # installs by their channels
    sets_dropped: float = 0.0

    def add(self, channels: list[int], is_installed: bool, weight: float) -> bool:
        """Count a path; False: there was no room for its set of channels."""
        if not channels:
            return True
        _add(self.starts, channels[0], weight)
        for move in itertools.pairwise(channels):
            self.moves[move] = self.moves.get(move, 0.0) + weight
        _add(self.converted if is_installed else self.given_up, channels[-1], weight)
        return not is_installed or self._add_set(tuple(sorted(set(channels))), weight)

    def merge(self, other: PathCounts) -> None:
        """Add the counts of another block."""
        for mine, theirs in (
            (self.starts, other.starts),
            (self.converted, other.converted),
            (self.given_up, other.given_up),
        ):
            for channel, weight in theirs.items():
                _add(mine, channel, weight)
        for move, weight in other.moves.items():
            self.moves[move] = self.moves.get(move, 0.0) + weight
        for channels, weight in other.sets.items():
            self.sets[channels] = self.sets.get(channels, 0.0) + weight
        self.sets_dropped += other.sets_dropped

    def _add_set(self, channels: tuple[int, ...], weight: float) -> bool:
        has_room = channels in self.sets or len(self.sets) < SETS_MAX
        if has_room:
            self.sets[channels] = self.sets.get(channels, 0.0) + weight
        else:
            self.sets_dropped += weight
        return has_room


def _add(sums: dict[int, float], channel: int, weight: float) -> None:
    sums[channel] = sums.get(channel, 0.0) + weight
