"""What producers, analysts and dashboards rely on, stored as lists that a test compares."""
