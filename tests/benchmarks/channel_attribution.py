"""What crediting a path costs here and in the ChannelAttribution package, in one run.

python -m tests.benchmarks.channel_attribution FILE --other-python PYTHON [--json]

FILE holds aggregated paths (the package's own sample has 10,000). PYTHON is an interpreter that
has ChannelAttribution and matplotlib installed; the package is under the GPL, is no dependency of
this project and is never imported by it. Without it, only this side is measured. Both sides have
the paths in memory before the clock starts, and take the best of several rounds. The package
simulates what is solved here, so its cost buys an accuracy too: `--walks` says how many paths it
walks, and `max_difference` how far its credit then is from the exact one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from attribution.multi_touch import markov
from attribution.multi_touch.heuristics import heuristic_credit
from attribution.multi_touch.markov import Unsolved
from attribution.multi_touch.models import Heuristic
from attribution.multi_touch.paths import Path, by_name, code_paths
from streams.operations.path_credit import read_paths

ROUNDS = 5
WELL_KNOWN = 0.01
"""Channels with a smaller share of the conversions are left out of `max_difference`."""
_HEURISTICS: tuple[Heuristic, ...] = ("first", "last", "linear")
_OTHER = """
import contextlib, json, sys, time
rounds, walks, orders = json.loads(sys.argv[1])
columns = json.load(sys.stdin)
with contextlib.redirect_stdout(sys.stderr):
    import pandas
    from ChannelAttribution import heuristic_models, markov_model
    frame = pandas.DataFrame(columns)

    def best(work):
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            answer = work()
            seconds.append(time.perf_counter() - started)
        return min(seconds), answer

    answers = {"heuristics": best(
        lambda: heuristic_models(frame, "path", "conversions", "value", flg_pro=False))[0]}
    for order in orders:
        seconds, table = best(lambda: markov_model(
            frame, "path", "conversions", "value", "nulls", order=order, nsim_start=walks,
            flg_pro=False, verbose=False))
        answers[f"markov_{order}"] = seconds
        answers[f"credit_{order}"] = dict(zip(table["channel_name"], table["total_conversions"]))
print(json.dumps(answers))
"""


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest round."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _markov(paths: list[Path], order: int) -> dict[str, float]:
    """Conversions per channel; coding the paths is part of the cost."""
    coded = code_paths(paths)
    chain = markov.fit_chain(coded, order)
    effects = chain if isinstance(chain, Unsolved) else markov.removal_effects(chain)
    if isinstance(effects, Unsolved):
        raise SystemExit(f"order {order} needs more than {effects.limit} {effects.what}")
    named = by_name(coded.channels, markov.removal_credit(effects, coded.totals))
    return {channel: one.conversions for channel, one in named.items()}


def _heuristics(paths: list[Path]) -> object:
    """All three that the package has, as its one call gives them."""
    coded = code_paths(paths)
    return [heuristic_credit(coded, heuristic) for heuristic in _HEURISTICS]


def _others(python: str, paths: list[Path], walks: int, orders: list[int]) -> dict[str, Any]:
    columns = {
        "path": [" > ".join(path.channels) for path in paths],
        "conversions": [path.conversions for path in paths],
        "value": [path.value for path in paths],
        "nulls": [path.nulls for path in paths],
    }
    done = subprocess.run(
        [python, "-c", _OTHER, json.dumps([ROUNDS, walks, orders])],
        input=json.dumps(columns), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _difference(exact: dict[str, float], other: dict[str, float]) -> float:
    """The largest relative difference of a channel that is not all too rare."""
    total = sum(exact.values())
    return max(
        abs(other[channel] - conversions) / conversions
        for channel, conversions in exact.items()
        if conversions >= WELL_KNOWN * total
    )


def measure(
    paths: list[Path], other_python: str | None, walks: int, orders: list[int]
) -> dict[str, float]:
    """Microseconds per path, ratios, and differences as shares."""
    per_path = 1e6 / len(paths)
    exact = {order: _markov(paths, order) for order in orders}
    ours = {"heuristics": _best(partial(_heuristics, paths))}
    for order in orders:
        ours[f"markov_{order}"] = _best(partial(_markov, paths, order))
    figures = {f"{name}_us_per_path": seconds * per_path for name, seconds in ours.items()}
    if other_python is None:
        return figures
    theirs = _others(other_python, paths, walks, orders)
    for name, seconds in ours.items():
        figures[f"{name}_us_per_path_of_package"] = theirs[name] * per_path
        figures[f"{name}_times_faster"] = theirs[name] / seconds
    for order in orders:
        figures[f"markov_{order}_max_difference"] = _difference(
            exact[order], theirs[f"credit_{order}"]
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=FilePath)
    parser.add_argument("--other-python", help="an interpreter with ChannelAttribution")
    parser.add_argument("--walks", type=int, default=100_000, help="its default, and ours")
    parser.add_argument("--orders", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    paths = list(read_paths(chosen.file))
    figures = measure(paths, chosen.other_python, chosen.walks, chosen.orders)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:40} {figure:>12,.4g}")


if __name__ == "__main__":
    main()
