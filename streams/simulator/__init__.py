"""Seeded, realistic traffic for every source topic, and the truth behind it."""

from streams.simulator.delivery import Delivered, write_traffic, write_truth
from streams.simulator.scenario import Scenario
from streams.simulator.stream import CLOCK_KEY, SimulatedMessage, simulate
from streams.simulator.truth import Truth, truths

__all__ = [
    "CLOCK_KEY",
    "Delivered",
    "Scenario",
    "SimulatedMessage",
    "Truth",
    "simulate",
    "truths",
    "write_traffic",
    "write_truth",
]
