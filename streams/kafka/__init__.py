"""Kafka apart from the lanes: client options, topics, publishing, dumps as kcat prints them, the
embedded broker, and whether a consumer group has caught up.
"""

__all__ = ["caught_up", "client_options", "embedded_broker", "kcat", "publisher", "topics"]
