"""Reads what people have: files in any encoding and layout, dumps, and text that is nearly JSON."""

__all__ = ["input_bytes", "json_pieces", "malformed_text", "submissions"]
