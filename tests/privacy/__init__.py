"""People who ask to be forgotten among others, through a replay and the store."""
