"""Runs of the topology that tell one story, beside the seeds."""
