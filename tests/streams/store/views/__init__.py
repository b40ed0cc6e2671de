"""What analysts read: one embedded store for each module, emptied before each test."""
