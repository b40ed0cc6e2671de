"""`headwater evaluate`: how good decisions and predictions are, where the truth is known."""

from streams.cli.lab.evaluate.group import evaluate_group

__all__ = ["evaluate_group"]
