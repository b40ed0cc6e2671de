"""The runtime with toy stages: checkpoints, recovery, rebalances and publishers."""
