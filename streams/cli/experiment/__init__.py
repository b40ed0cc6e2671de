"""`headwater experiment`: what a change is worth."""

from streams.cli.experiment.group import experiment_group

__all__ = ["experiment_group"]
