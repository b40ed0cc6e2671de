"""Records between stages."""
