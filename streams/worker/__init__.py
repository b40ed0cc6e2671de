"""The processes of `headwater worker`: the core and storing roles, their supervisor, their health
server and their metrics.
"""

__all__ = [
    "core_worker",
    "cycle_collector",
    "health_server",
    "metrics",
    "observers",
    "roles",
    "storing_worker",
    "supervisor",
]
