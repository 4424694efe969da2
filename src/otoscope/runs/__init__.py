"""The folder of a sweep or an evaluation, and the questions that it answers."""

from otoscope.runs.between import diff
from otoscope.runs.run import Run

__all__ = ["Run", "diff"]
