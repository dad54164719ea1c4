"""Chaos: random faults under mixed load, and a check of every request against the database afterwards."""
