"""The design of an experiment: its definition, how long it takes, and who is in which variant."""

from online_models.experiments.design.assignment import (
    LayerFullError,
    Placement,
    RunningExperiment,
    UnitFacts,
    ineligibility,
    is_held_out,
    place_in_layer,
)
from online_models.experiments.design.definition import ExperimentDefinition, frozen_changes
from online_models.experiments.design.definition_file import read_definition
from online_models.experiments.design.plan import ExperimentPlan, plan_of

__all__ = [
    "ExperimentDefinition",
    "ExperimentPlan",
    "LayerFullError",
    "Placement",
    "RunningExperiment",
    "UnitFacts",
    "frozen_changes",
    "ineligibility",
    "is_held_out",
    "place_in_layer",
    "plan_of",
    "read_definition",
]
