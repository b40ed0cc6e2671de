"""Topics that workers read as a whole when they start."""
