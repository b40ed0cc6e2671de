"""Every document of the repository says what is true: its blocks run, its names exist."""
