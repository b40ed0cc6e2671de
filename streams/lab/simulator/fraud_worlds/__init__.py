"""Labelled traffic with fraud, to judge fraud detection by.

Two generators share only the market. `a` was looked at while thresholds were set: sites are honest
or fraudulent, and most installs report when their download began. `b` was not: times from click to
open differ, a site mixes honest and fraudulent clicks, flooding reaches back a single day, and more
installs report nothing.
"""

from streams.lab.simulator.fraud_worlds.fraud_sites import Habits
from streams.lab.simulator.fraud_worlds.generator_a import GeneratorA
from streams.lab.simulator.fraud_worlds.generator_b import GeneratorB
from streams.lab.simulator.fraud_worlds.labelled_traffic import Label, LabelledTraffic, make_traffic
from streams.lab.simulator.market.market import FraudKind

GENERATORS: dict[str, type[Habits]] = {"a": GeneratorA, "b": GeneratorB}

__all__ = [
    "GENERATORS",
    "FraudKind",
    "Habits",
    "Label",
    "LabelledTraffic",
    "make_traffic",
]
