"""Sounds to look at: vowels that are synthesised with known values, and data sets on disk."""
