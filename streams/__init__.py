"""How it runs: the only package that knows Kafka, ClickHouse, clocks, files and environment."""
