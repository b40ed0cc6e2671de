"""Against real servers and real processes: nothing is faked."""
