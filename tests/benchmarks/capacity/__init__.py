"""What a deployment needs for a company's numbers; see `tests/benchmarks/capacity/__main__.py`."""
