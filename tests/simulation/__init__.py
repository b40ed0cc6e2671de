"""The whole topology in one process over a log in memory; one seed reproduces one run."""
