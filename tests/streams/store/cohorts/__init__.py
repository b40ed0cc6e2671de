"""Views of cohorts, against a naive reader of the same outcomes."""
