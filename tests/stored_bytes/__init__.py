"""Bytes as released builds stored them, decoded by today's code.

`python -m tests.stored_bytes` records what is new; see tests/README.md.
"""
