"""Assignment over a million units: two layers independent, one exclusive, and how long it takes."""

from __future__ import annotations

import time
from itertools import combinations

import msgspec
import numpy as np
from scipy.stats import chi2_contingency, chisquare

from online_models.experiments.design import (
    Placement,
    RunningExperiment,
    place_in_layer,
    read_definition,
)
from tests.checkout import ROOT

P_MIN = 1e-4
"""Of some ten tests on one fixed set of units: below it, hashes are to blame."""


def layers(units: int, seed: int) -> bool:
    ids = [f"{seed:08x}-install-{number}" for number in range(units)]
    base = read_definition((ROOT / "deploy/experiment.example.toml").read_text())
    taken: list[Placement] = []
    running = []
    for name, layer, traffic in (
        ("first", "shop", 0.5), ("second", "shop", 0.3), ("third", "ads", 1.0),
        ("fourth", "mail", 1.0),
    ):  # fmt: skip
        definition = msgspec.structs.replace(base, id=name, layer=layer, traffic=traffic)
        placement = place_in_layer(taken if layer == "shop" else [], traffic)
        if layer == "shop":
            taken.append(placement)
        running.append(RunningExperiment(definition, placement))
    begun = time.process_time()
    found = [[experiment.variant_of(unit) for unit in ids] for experiment in running]
    spent = (time.process_time() - begun) / units / len(running)
    codes = np.array([[x if isinstance(x, int) else -1 for x in part] for part in found])
    sound = True
    both = int(((codes[0] >= 0) & (codes[1] >= 0)).sum())
    print(f"{units:,} units; in two experiments of one layer: {both}")
    for experiment, part in zip(running, codes, strict=True):
        counts = np.bincount(part[part >= 0], minlength=2)
        p = float(chisquare(counts).pvalue)
        share = counts.sum() / units / experiment.definition.traffic
        print(f"  {experiment.definition.id:7} {share:.4f} of its traffic, halves: p = {p:.3f}")
        sound &= p > P_MIN
    for left, right in combinations((0, 2, 3), 2):
        table = np.zeros((2, 2))
        inside = (codes[left] >= 0) & (codes[right] >= 0)
        np.add.at(table, (codes[left][inside], codes[right][inside]), 1)
        p = float(chi2_contingency(table).pvalue)
        print(
            f"  variants of {running[left].definition.id} and {running[right].definition.id}: "
            f"p = {p:.3f}"
        )
        sound &= p > P_MIN
    print(f"  {1e6 * spent:.2f} µs of CPU for each unit and experiment")
    return sound and both == 0
