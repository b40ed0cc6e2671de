"""Experiments in the stages: orders and exposures, and who is assigned."""
