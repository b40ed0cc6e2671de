"""What a worker would have served over a recorded history, judged beside simple baselines."""

from streams.lab.evaluation.served.served_evaluation import served_figures

__all__ = ["served_figures"]
