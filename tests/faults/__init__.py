"""Faults that operators, disks and brokers cause, and the time until all is well again."""
