"""How good answers are: classification, detection, rankings, calibration."""

from otoscope.metrics.calibration import Reliability, expected_calibration_error, reliability
from otoscope.metrics.classification import accuracy, balanced_accuracy, confusion_matrix, f1_score
from otoscope.metrics.detection import detection_cost, equal_error_rate, error_curve
from otoscope.metrics.ranking import d_prime, mean_auc, mean_average_precision

__all__ = [
    "Reliability",
    "accuracy",
    "balanced_accuracy",
    "confusion_matrix",
    "d_prime",
    "detection_cost",
    "equal_error_rate",
    "error_curve",
    "expected_calibration_error",
    "f1_score",
    "mean_auc",
    "mean_average_precision",
    "reliability",
]
