"""Experiments in the stages: orders and exposures, and who is assigned."""

from streams.stages.experiments.experiment_rows import AssignedAt
from streams.stages.experiments.experiment_steps import (
    ORDER_FORMAT,
    ORDER_PREFIX,
    ExperimentSteps,
    OrderedExperiments,
)
from streams.stages.experiments.intake_records import route_experiment

__all__ = [
    "ORDER_FORMAT",
    "ORDER_PREFIX",
    "AssignedAt",
    "ExperimentSteps",
    "OrderedExperiments",
    "route_experiment",
]
