"""Builds are replaced under load: an earlier one, this one, and back."""
