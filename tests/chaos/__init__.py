"""Injects faults into a whole installation on real Kafka and compares it with a calm run.

`python -m tests.chaos --help`; `make chaos` runs it in full, a plain test run in short.
"""
