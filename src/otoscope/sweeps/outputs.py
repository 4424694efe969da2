"""What a model answers to a sound, as a sweep keeps it beside the methods of the catalogue."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.catalogue import Record, Rows
from otoscope.methods.output import NO_NUMBERS, finite_answers, output_of
from otoscope.methods.slide import answer_along
from otoscope.probe.listen import evaluating
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.types import Wave


def output(subject: Subject, wave: Wave) -> xr.Dataset:
    """What the model answers: the scores of all classes and the likeliest one, or the numbers of another output.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)

    Returns
    -------
    Dataset
        Of classes `answer` (clip), the name of the likeliest, and `logit` and `probability` (clip, class), the mean
        over time; of a single logit of two classes 0 for the first, and the logit for the second. Of an output without
        classes `output` (clip, unit), the mean over time.

    Raises
    ------
    InputError
        If the answer holds NaN or infinity.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 3, 30), torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten())
    >>> output(Subject(model, sample_rate=8000, classes=["a", "b", "c"]), torch.randn(4000))["logit"].sizes
    Frozen({'clip': 1, 'class': 3})
    """
    inputs = subject.whole(wave)
    with subject.lock, torch.no_grad(), evaluating(subject.model):
        found = answer_along(subject.network, inputs)
    if (found.value.isnan() | found.value.isposinf()).any():
        raise InputError(NO_NUMBERS)
    made = output_of(subject, inputs, found)
    numbers = found.value[0].numel() // _frames(found.value, made.time_axis)
    if not made.is_one_of_two and (made.class_axis is None or made.class_count != numbers):
        if found.value.isinf().any():
            raise InputError(NO_NUMBERS)
        return xr.Dataset({"output": variable(["clip", "unit"], made.embedding(found.value), "output")})
    logits, (probability, how) = made.class_scores(found.value, None), made.probabilities(None)
    if not finite_answers(logits, probability).all():
        raise InputError(NO_NUMBERS)
    names = [made.name_of(index) for index in logits.argmax(1).tolist()]
    return xr.Dataset(
        {
            "answer": variable(["clip"], names, "likeliest class"),
            "logit": variable(["clip", "class"], logits, made.kind),
            "probability": variable(["clip", "class"], probability, how),
        },
        {"class": np.array([made.name_of(index) for index in range(logits.shape[1])])},
    )


def _frames(value: torch.Tensor, time_axis: int | None) -> int:
    return 1 if time_axis is None else value.shape[time_axis]


OUTPUT = Record(
    output, "", "wave", Rows(("class", "unit"), ("answer", "logit", "probability", "output")), "logit", clipwise=True
)
"""Its record; it is not a method of the catalogue, for it only says what the model does."""
