"""The stages record by record, and their guard: what makes a stage raise is set aside."""

from streams.stages.separate.guard import GuardedStage

__all__ = ["GuardedStage"]
