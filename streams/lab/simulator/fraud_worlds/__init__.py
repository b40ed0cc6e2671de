"""Labelled traffic with fraud in it, for judging the judge. No part of the product reads it.

Two generators that share only the market. `a` was looked at while thresholds were set: sites are
honest or not, and most installs tell when their download began. `b` was not: other times from
click to open, honest and fraudulent clicks mixed on one site, flooding over a single day, and
more installs that do not tell.
"""

from streams.lab.simulator.fraud_worlds.fraud_sites import Cheating, Habits
from streams.lab.simulator.fraud_worlds.generator_a import GeneratorA
from streams.lab.simulator.fraud_worlds.generator_b import GeneratorB
from streams.lab.simulator.fraud_worlds.labelled_traffic import Label, LabelledTraffic, make_traffic

GENERATORS: dict[str, type[Habits]] = {"a": GeneratorA, "b": GeneratorB}

__all__ = [
    "GENERATORS",
    "Cheating",
    "Habits",
    "Label",
    "LabelledTraffic",
    "make_traffic",
]
