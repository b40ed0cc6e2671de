"""Partitions that are on a second broker, which dies."""
