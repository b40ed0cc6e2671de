"""How fast it is: events from Kafka to stored rows, and the payer model beside others."""

__all__ = [
    "bench",
    "control_loop",
    "free_port",
    "hazard_rows",
    "lap",
    "model_bench",
    "model_competitors",
    "peers",
    "programs",
]
