"""Many games at once: each in a process of its own, and each kept when it has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from msgspec import json

from streams.lab.simulator.small_game import SmallGameRules
from tests.low_rates.game_figures import SmallGameFigures, play


def played_games(
    games: Sequence[SmallGameRules], folder: Path, jobs: int, *, is_staged: bool
) -> Iterator[SmallGameFigures]:
    """The figures of each, as they end. Those in the folder already are not played again: delete
    it after a change of the models."""
    folder.mkdir(parents=True, exist_ok=True)
    left = []
    for rules in games:
        path = folder / _name(rules, is_staged)
        if path.exists():
            yield json.decode(path.read_bytes(), type=SmallGameFigures)
        else:
            left.append((rules, path, is_staged))
    with ProcessPoolExecutor(jobs) as pool:
        for played in as_completed([pool.submit(_play_and_keep, *one) for one in left]):
            yield played.result()


def _name(rules: SmallGameRules, is_staged: bool) -> str:
    kinds = ("-by-day" * rules.is_by_day) + ("-staged" * is_staged)
    return f"{rules.rate}-{rules.installs}-{rules.seed}{kinds}.json"


def _play_and_keep(rules: SmallGameRules, path: Path, is_staged: bool) -> SmallGameFigures:
    found = play(rules, is_staged=is_staged)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(json.encode(found))
    unfinished.replace(path)
    return found
