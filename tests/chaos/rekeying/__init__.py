"""The same events under another number of partitions."""
