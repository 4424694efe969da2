"""Training: data and augmentation, optimisation and schedules, evaluation, and what is recorded meanwhile."""

from otoscope.training.augment import augment, gaussian_noise, inject_background, random_gain, time_masks
from otoscope.training.change_rate import ChangeRate
from otoscope.training.crops import centre_crop, random_crop, two_crops
from otoscope.training.decode import decode_phones, fold, frame_transitions, merge_repeats, phone_bigram, viterbi
from otoscope.training.evaluate import clip_scores
from otoscope.training.metrics import accuracy, d_prime, equal_error_rate, mean_auc, mean_average_precision
from otoscope.training.mixup import mixup
from otoscope.training.nt_xent import nt_xent
from otoscope.training.phone_errors import Edits, edits, phone_errors
from otoscope.training.schedule import warm_up_cosine

__all__ = [
    "ChangeRate",
    "Edits",
    "accuracy",
    "augment",
    "centre_crop",
    "clip_scores",
    "d_prime",
    "decode_phones",
    "edits",
    "equal_error_rate",
    "fold",
    "frame_transitions",
    "gaussian_noise",
    "inject_background",
    "mean_auc",
    "mean_average_precision",
    "merge_repeats",
    "mixup",
    "nt_xent",
    "phone_bigram",
    "phone_errors",
    "random_crop",
    "random_gain",
    "time_masks",
    "two_crops",
    "viterbi",
    "warm_up_cosine",
]
