"""All stages in one process over a log in memory, with everything that can fail."""
