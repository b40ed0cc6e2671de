"""Proofs of the statistics of experiments on thousands of simulated ones: `python -m
tests.experiments`."""
