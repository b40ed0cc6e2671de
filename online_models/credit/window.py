"""The last paths as sums: all that is needed to fit the hazard to them exactly.

The additive part of the rate is linear in the effects, so paths without an install count only
through sums: exposure by effect, and days by standing. Only the state at each install is kept as it
was. Sums are kept in blocks; the oldest blocks are dropped, so the model follows changes.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct, field

from online_models.credit.counts import PathCounts
from online_models.credit.exposures import PersonState, WatchedPath
from schemas.records import ExposurePath, Flag

# Bounds of the codes, and so of the arrays that are fitted: see the text below.
APPS_MAX = 64
CHANNELS_MAX = 256
"""Apps, and channels of apps, with a code of their own. Further ones share that of OVERFLOW."""

OVERFLOW = "(other)"

Name = TypeVar("Name", str, tuple[str, str])

# Bounds of the time of a fit, which grows with installs, and of the parts that are stored.
INSTALLS_MAX = 10_000
BLOCKS_MAX = 64
"""Limits of the window: blocks beyond are dropped, oldest first."""

StandingCell = tuple[int, int, int]
"""Code of the app, level of intent, earlier installs."""

Sums = dict[tuple[int, bool], tuple[float, float]]
"""By channel code and kind (click or not); one sum for each rate of fading."""


class WindowInstall(Struct, frozen=True, array_like=True, gc=False):
    """The state at an install; strengths as (channel code, is click, fast, slow)."""

    cell: StandingCell
    strengths: list[tuple[int, bool, float, float]]
    weight: float


class WindowBlock(Struct, array_like=True):
    """Sums over consecutive paths. `paths` are counted, everything else is weighted."""

    number: int = 0
    paths: int = 0
    days: dict[StandingCell, float] = field(default_factory=dict)
    exposure: Sums = field(default_factory=dict)
    installs: list[WindowInstall] = field(default_factory=list)
    counts: PathCounts = field(default_factory=PathCounts)


class ChannelCodes(Struct, array_like=True):
    """Codes of apps, and of channels by app. A code is given once and never changes."""

    apps: dict[str, int] = field(default_factory=lambda: {OVERFLOW: 0})
    channels: dict[tuple[str, str], int] = field(default_factory=lambda: {("", OVERFLOW): 0})
    overflowed: int = 0
    """How often an app or channel was counted under OVERFLOW."""
    sets_dropped: int = 0
    """Installs with a set of channels for which there was no room."""

    def app(self, app_id: str) -> int:
        """The code of an app; a new one gets the next, if there is room."""
        return self._code(self.apps, app_id, APPS_MAX)

    def channel(self, app_id: str, channel: str) -> int:
        """The code of a channel of an app; a new one gets the next, if there is room."""
        return self._code(self.channels, (app_id, channel), CHANNELS_MAX)

    def _code(self, codes: dict[Name, int], name: Name, most: int) -> int:
        code = codes.get(name)
        if code is not None:
            return code
        if len(codes) >= most:
            self.overflowed += 1
            return 0
        codes[name] = len(codes)
        return len(codes) - 1


class PathWindow:
    """Blocks of sums over the last paths, and the codes they are kept by."""

    def __init__(
        self, names: ChannelCodes | None = None, blocks: list[WindowBlock] | None = None
    ) -> None:
        self.names = names or ChannelCodes()
        self.blocks = blocks or [WindowBlock()]  # oldest first; the last one is still open

    def add(self, path: ExposurePath, watched: WatchedPath) -> None:
        """Add a path to the open block."""
        block, app_id, weight = self.blocks[-1], path.app_id, path.weight
        app = self.names.app(app_id)
        block.paths += 1
        for standing, days in watched.days.items():
            cell = (app, *standing)
            block.days[cell] = block.days.get(cell, 0.0) + weight * days
        for (channel, is_click), strength in watched.exposure.items():
            effect = (self.names.channel(app_id, channel), is_click)
            fast, slow = block.exposure.get(effect, (0.0, 0.0))
            block.exposure[effect] = (fast + weight * strength.fast, slow + weight * strength.slow)
        if watched.installed is not None:
            block.installs.append(self._install(path, watched.installed))
        if not block.counts.add(self._walk(path), path.is_installed, weight):
            self.names.sets_dropped += 1

    def roll(self) -> None:
        """Close the open block, and drop the oldest ones beyond the limits."""
        self.blocks.append(WindowBlock(self.blocks[-1].number + 1))
        installs = sum(len(block.installs) for block in self.blocks)
        while len(self.blocks) > 2 and (
            installs > INSTALLS_MAX or len(self.blocks) > BLOCKS_MAX + 1
        ):
            installs -= len(self.blocks.pop(0).installs)

    def _install(self, path: ExposurePath, at: PersonState) -> WindowInstall:
        app_id = path.app_id
        cell = (self.names.app(app_id), *at.standing)
        strengths = [
            (self.names.channel(app_id, channel), is_click, strength.fast, strength.slow)
            for (channel, is_click), strength in at.strengths.items()
        ]
        return WindowInstall(cell, strengths, path.weight)

    def _walk(self, path: ExposurePath) -> list[int]:
        return [
            self.names.channel(path.app_id, touch.channel)
            for touch in path.touches
            if path.begin_time <= touch.time <= path.end_time and not touch.flags & Flag.OWNED
        ]
