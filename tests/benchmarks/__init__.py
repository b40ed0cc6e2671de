"""How fast Headwater is, and beside what."""
