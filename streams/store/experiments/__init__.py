"""Experiments as the store knows them: which there are, their units, and a look at them."""

from streams.store.experiments.experiment_look import ExperimentLook, look_at
from streams.store.experiments.stored_experiment import (
    Reached,
    StoredExperiment,
    reached,
    stored_experiment,
    stored_experiments,
)
from streams.store.experiments.stored_units import sums_of_store

__all__ = [
    "ExperimentLook",
    "Reached",
    "StoredExperiment",
    "look_at",
    "reached",
    "stored_experiment",
    "stored_experiments",
    "sums_of_store",
]
