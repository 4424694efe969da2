"""What each map of a model is for: the fact of the data that predicts it best, in words, scored on other clips."""

from otoscope.descriptions.describe import Description, describe
from otoscope.descriptions.maps import Described, Descriptions, describe_maps

__all__ = ["Described", "Description", "Descriptions", "describe", "describe_maps"]
