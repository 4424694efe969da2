"""What a model says to a sound, class by class."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.output import NoClasses, finite_answers, output_of
from otoscope.methods.slide import answer_along
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.types import Span


def answered(subject: Subject, clip: xr.DataArray, at: Span | None = None) -> xr.Dataset:
    """The scores that relevance explains, and the probabilities of the classes.

    Parameters
    ----------
    subject : Subject
    clip : DataArray
        One sound.
    at : float or two floats, optional
        The moment of the output that is meant, or the start and the stop of a span, in s; all of it by default.

    Returns
    -------
    Dataset
        `score`, `probability` and `rank`, 0 of the likeliest class, over `class`, whose coordinate are their names; the
        attributes `score_kind` and `how` say what they are.

    Raises
    ------
    InputError
        If the output has no classes, or is not finite.
    """
    inputs = subject.whole(clip)
    output = output_of(subject, inputs, answer_along(subject.network, inputs))
    output.check_target()
    output.check_classes(subject.states_classes or at is not None)
    frames, when = output.frames(at)
    scores = output.class_scores(output.found.value, frames)
    chances, how = output.probabilities(frames)
    if not bool(finite_answers(scores, chances).all()):
        raise InputError("the answer of the model is not finite: it holds NaN or infinity")
    names = np.array([output.name_of(i) for i in range(scores.shape[1])], dtype=object)
    return xr.Dataset(
        {
            "score": variable(["class"], scores[0].detach(), output.kind),
            "probability": variable(["class"], chances[0].detach(), how),
            "rank": variable(["class"], output.order(scores, frames)[0].argsort(), "place from the likeliest class on"),
        },
        coords={"class": names},
        attrs={"score_kind": output.kind, "how": "; ".join(filter(None, [how, when]))},
    )


def answer_or_reason(subject: Subject, clip: xr.DataArray, at: Span | None = None) -> tuple[xr.Dataset | None, str]:
    """What :func:`answered` gives, and why there is none, in a few words, of an output without classes."""
    try:
        return answered(subject, clip, at), ""
    except NoClasses as error:  # of a waveform, an embedding and the like
        return None, error.what
    except InputError as error:
        return None, str(error)
