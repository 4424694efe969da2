"""One file a method, each with one public function: a model and sound in, labelled arrays out."""

from otoscope.methods.geometry import geometry
from otoscope.methods.relevance import relevance
from otoscope.methods.sonify import sonify
from otoscope.methods.strs import crs, strs

__all__ = ["crs", "geometry", "relevance", "sonify", "strs"]
