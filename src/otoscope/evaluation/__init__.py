"""What a model scores on a data set, and where it fails."""

from otoscope.evaluation.evaluate import evaluate

__all__ = ["evaluate"]
