"""The embedded store, asked over HTTP by other processes."""
