"""The shell that runs stages, with toy stages: checkpoints, recovery, rebalances, publishers."""
