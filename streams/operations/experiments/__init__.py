"""Experiments: the answer of a file of units, whoever ran it, the plan of a definition, and what an
experiment in the log says."""

from streams.operations.experiments.analyze import analyze_file
from streams.operations.experiments.cell_values import CellRules
from streams.operations.experiments.experiment_report import ExperimentReport
from streams.operations.experiments.looks_picture import looks_picture
from streams.operations.experiments.planned_file import plan_file
from streams.operations.experiments.running_answer import RunningAnswer, answer_of_store
from streams.operations.experiments.units_of_file import FilePlan

__all__ = [
    "CellRules",
    "ExperimentReport",
    "FilePlan",
    "RunningAnswer",
    "analyze_file",
    "answer_of_store",
    "looks_picture",
    "plan_file",
]
