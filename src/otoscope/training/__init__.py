"""Training: data and augmentation, optimisation and schedules, evaluation, and what is recorded meanwhile."""

from otoscope.training.augment import augment, gaussian_noise, inject_background, random_gain, time_masks
from otoscope.training.change_rate import ChangeRate
from otoscope.training.crops import centre_crop, random_crop, two_crops
from otoscope.training.decode import decode_phones, fold, frame_transitions, merge_repeats, phone_bigram, viterbi
from otoscope.training.evaluate import clip_scores
from otoscope.training.mixup import mixup
from otoscope.training.nt_xent import nt_xent
from otoscope.training.phone_errors import Edits, edits, phone_errors
from otoscope.training.schedule import exponential_decay, warm_up_cosine

__all__ = [
    "ChangeRate",
    "Edits",
    "augment",
    "centre_crop",
    "clip_scores",
    "decode_phones",
    "edits",
    "exponential_decay",
    "fold",
    "frame_transitions",
    "gaussian_noise",
    "inject_background",
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
