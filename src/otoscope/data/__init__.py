"""Sounds to look at: vowels that are synthesised with known values, and data sets on disk."""

from otoscope.data.items import DataSet, Item
from otoscope.data.sets import read

__all__ = ["DataSet", "Item", "read"]
