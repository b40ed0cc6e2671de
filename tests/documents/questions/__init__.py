"""The thirty questions of the page for analysts, against naive answers from the log."""
