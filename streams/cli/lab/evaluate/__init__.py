"""`headwater evaluate`: how good decisions and predictions are, where the truth is known."""

from streams.cli.lab.evaluate.group import evaluate

__all__ = ["evaluate"]
