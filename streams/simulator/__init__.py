"""Seeded, realistic traffic for every source topic, and the truth behind it."""

from streams.simulator.scenario import Scenario
from streams.simulator.stream import CLOCK_KEY, SimulatedMessage, simulate
from streams.simulator.truth import Truth, truths

__all__ = ["CLOCK_KEY", "Scenario", "SimulatedMessage", "Truth", "simulate", "truths"]
