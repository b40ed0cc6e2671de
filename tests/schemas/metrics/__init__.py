"""The file of metrics."""
