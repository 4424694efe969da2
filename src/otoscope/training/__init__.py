"""Training: what is watched and done while a model learns."""

from otoscope.training.change_rate import ChangeRate

__all__ = ["ChangeRate"]
