"""Seeded, realistic traffic for every source topic, and the truth behind it."""

from streams.lab.simulator.delivery import Delivered, write_traffic, write_truth
from streams.lab.simulator.scenario import Scenario
from streams.lab.simulator.traffic import SimulatedMessage, simulate_traffic
from streams.lab.simulator.truth import Truth, truths

__all__ = [
    "Delivered",
    "Scenario",
    "SimulatedMessage",
    "Truth",
    "simulate_traffic",
    "truths",
    "write_traffic",
    "write_truth",
]
