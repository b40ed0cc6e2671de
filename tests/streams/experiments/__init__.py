"""Experiments inside the log."""
