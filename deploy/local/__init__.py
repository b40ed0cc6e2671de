"""Kafka and ClickHouse on loopback, for development and for the integration tests."""
