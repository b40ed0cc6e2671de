"""Replays of paying worlds as the product would live through them."""
