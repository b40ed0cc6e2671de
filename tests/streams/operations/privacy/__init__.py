"""Requests of people, from the log to the receipt and the export."""
