"""How soon an install is scored, hop by hop; see `tests/benchmarks/latency/__main__.py`."""
