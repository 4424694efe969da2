"""What a model answers to versions of one sound: its class, by which margin, and the number that is explained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.output import finite_answers, output_of
from otoscope.methods.slide import answer_along
from otoscope.methods.targets import Explained, Question, margins
from otoscope.probe.room import at_once, tidy
from otoscope.probe.scores import Answer
from otoscope.subject import Subject

_AT_ONCE = 2**18  # samples of one pass
_LONG = 100  # letters of a reason


@dataclass(frozen=True)
class Answers:
    """What is answered to each version of a sound.

    Attributes
    ----------
    score : ndarray, (version,)
        What is explained.
    classes : ndarray of int, (version,)
        The likeliest class; -1 where the answer is not finite, or there are no classes.
    scores : ndarray, (version, class)
    names : list of str
        Of the classes.
    """

    score: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    names: list[str]

    @property
    def known(self) -> np.ndarray:
        """Whether a version has a likeliest class, (version,)."""
        return np.asarray(self.classes >= 0)

    def named(self) -> np.ndarray:
        """The likeliest class of each version, (version,); empty where there is none."""
        return np.array([self.names[one] if one >= 0 else "" for one in self.classes.tolist()])

    def margin(self, of: int) -> np.ndarray:
        """By how much one class is above the best other one, (version,); NaN where nothing is known."""
        if of < 0:
            return np.full(len(self.score), np.nan)
        found = margins(torch.from_numpy(self.scores), torch.full((len(self.scores),), of)).numpy()
        return np.where(self.known, found, np.nan)


def answers_to(
    subject: Subject, wave: xr.DataArray, versions: Iterable[Tensor], asked: Explained, question: Question, largest: int
) -> tuple[Answers, str | None]:
    """Ask a model about versions of one sound.

    Parameters
    ----------
    subject : Subject
    wave : DataArray, (clip, [channel,] time)
        The sound, a single clip.
    versions : iterable of Tensor, ([channel,] time)
    asked : Explained
        What is explained of it.
    question : Question
    largest : int
        Bytes of the largest activation of one clip.

    Returns
    -------
    answers : Answers
    reason : str or None
        Why there are no classes; None where there are.
    """
    # The noise of a model that draws is the same in every call, and not in every row of a batch.
    alone = subject.contract.calls not in (None, "equal")
    most = 1 if alone else max(1, _AT_ONCE // max(1, wave.sizes["time"]))
    score: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    names: list[str] = []
    reason: str | None = None
    coming = iter(versions)
    while some := list(islice(coming, min(most, at_once(largest)))):
        values = np.stack([one.numpy() for one in some])
        inputs = subject.whole(xr.DataArray(values, dims=wave.dims, attrs=wave.attrs))
        with torch.no_grad():
            found = answer_along(subject.network, inputs)
            score.append(asked.score(found.value, torch.zeros(len(inputs), dtype=torch.long)).double().cpu().numpy())
            try:
                one, of_classes, names = _classes(subject, inputs, found, asked, question)
            except InputError as error:
                reason, one, of_classes = _briefly(error), np.full(len(inputs), -1), np.zeros((len(inputs), 0))
        classes.append(one)
        scores.append(of_classes)
        tidy()
    return Answers(np.concatenate(score), np.concatenate(classes), np.concatenate(scores), names), reason


def _briefly(error: InputError) -> str:
    """Why there are no classes; what to do about it is no matter of a changed sound, whose score is still compared."""
    text = str(error).partition(": ")[0]
    return text if len(text) < _LONG else "the output has no single axis of classes"


def _classes(
    subject: Subject, inputs: Tensor, found: Answer, asked: Explained, question: Question
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The likeliest class of each version, the scores of all classes, and their names."""
    is_class = bool(asked.index[0] >= 0)
    output = output_of(subject, inputs, found)
    if output.is_hidden:
        raise InputError("the output is a hidden state")
    output.check_classes(is_class or subject.states_classes)
    frames = output.frames(question.at)[0] if is_class else None
    scores = output.class_scores(found.value, frames)
    if scores.shape[1] < 2:
        raise InputError("the output is a single number")
    chances, _ = output.probabilities(frames)
    likeliest = torch.where(finite_answers(scores, chances), output.likeliest(scores, frames), -1)
    names = [output.name_of(number) for number in range(scores.shape[1])]
    return likeliest.cpu().numpy(), scores.double().cpu().numpy(), names
