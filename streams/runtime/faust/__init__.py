"""What this project changes in Faust: whole poll batches, a consumer of its own, and a co-partitioned
assignor. Every private member of Faust and aiokafka that it relies on stands in `internals`.
"""

__all__ = ["app", "assignor", "batches", "internals", "transport"]
