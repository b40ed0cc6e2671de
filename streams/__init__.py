"""How it runs: the only package that knows Kafka, ClickHouse, clocks, files and environment."""

__all__ = [
    "agents",
    "cli",
    "errors",
    "kafka",
    "lab",
    "operations",
    "progress",
    "replay",
    "runtime",
    "settings",
    "stages",
    "store",
    "wiring",
    "worker",
]
