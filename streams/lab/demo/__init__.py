"""Broker, traffic, workers and store on one machine, and a table of campaigns at the end."""

__all__ = ["campaigns", "demo"]
