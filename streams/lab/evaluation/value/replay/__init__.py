"""Expected revenue, judged against simulated worlds and against histories of payments."""
