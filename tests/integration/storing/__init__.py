"""Storing workers that are killed, frozen and refused, and the protocol they speak."""
