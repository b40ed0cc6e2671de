"""The live pair model."""
