"""Recognising the phones of sentences from frame posteriors, and counting the errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from otoscope.data.timit import PHONES
from otoscope.errors import InputError
from otoscope.training.decode import decode_phones, fold, frame_transitions, merge_repeats, phone_bigram
from otoscope.training.frames import Sentence
from otoscope.training.phone_errors import Edits, phone_errors

SCALES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Candidate acoustic scales."""

PENALTIES = (0.0, 1.0, 2.0, 4.0)
"""Candidate insertion penalties, in natural logarithms."""

_SHORTEST = 1.5  # smallest mean duration of a phone, in frames


class Weights(NamedTuple):
    """Weights of network, grammar and number of phones in decoding.

    Attributes
    ----------
    acoustic_scale : float
        See :func:`otoscope.training.decode_phones`.
    insertion_penalty : float
        Subtracted from the log probability of every transition to another phone: above 0, fewer phones are found.
    """

    acoustic_scale: float = 1.0
    insertion_penalty: float = 0.0


EVEN = Weights()
"""No acoustic scaling and no insertion penalty."""


@dataclass(frozen=True)
class Grammar:
    """Phone statistics of the training sentences: frequencies, durations and bigrams.

    Attributes
    ----------
    known : ndarray of int, (phone,)
        The classes that occur in some frame. Others are never recognised.
    log_priors, log_start : ndarray, (phone,)
        Of the known classes; natural logarithms.
    log_transition : ndarray, (phone, next phone)
        From frame to frame.
    """

    known: np.ndarray
    log_priors: np.ndarray
    log_start: np.ndarray
    log_transition: np.ndarray

    def recognise(self, log_posteriors: ArrayLike, weights: Weights = EVEN) -> list[int]:
        """The phones of a sentence, as numbers of classes.

        Parameters
        ----------
        log_posteriors : array_like, (frame, class)
        weights : Weights

        Returns
        -------
        list of int
            By :func:`otoscope.training.decode_phones`.
        """
        other = 1 - np.eye(len(self.known))
        found = decode_phones(
            np.asarray(log_posteriors)[:, self.known],
            self.log_priors,
            self.log_start,
            self.log_transition - weights.insertion_penalty * other,
            acoustic_scale=weights.acoustic_scale,
        )
        phones: list[int] = self.known[found].tolist()
        return phones


def learn_grammar(sentences: Sequence[Sentence], n_classes: int) -> Grammar:
    """Estimate the phone statistics of training sentences.

    Parameters
    ----------
    sentences : sequence of Sentence
        Of the training split alone.
    n_classes : int

    Returns
    -------
    Grammar

    Raises
    ------
    InputError
        If fewer than two phones occur in the frames.

    Notes
    -----
    The bigram is that of :func:`otoscope.training.phone_bigram` with one added to every count. The mean duration of a
    phone is its number of frames divided by its number of occurrences, at least 1.5 frames.

    Examples
    --------
    >>> grammar = learn_grammar([Sentence("a.wav", (0, 2, 0), np.array([0, 0, 2, 2, -1, 0]))], 4)
    >>> grammar.known.tolist(), np.exp(grammar.log_priors).round(2).tolist()
    ([0, 2], [0.6, 0.4])
    """
    frames = np.zeros(n_classes)
    for sentence in sentences:
        frames += np.bincount(sentence.labels[sentence.labels >= 0], minlength=n_classes)
    known = np.flatnonzero(frames)
    if len(known) < 2:
        raise InputError(f"the training sentences contain {len(known)} of {n_classes} phones: at least two are needed")
    number = {int(phone): position for position, phone in enumerate(known)}
    spoken = [merge_repeats(number[phone] for phone in sentence.phones if phone in number) for sentence in sentences]
    log_start, log_bigram = phone_bigram([phones for phones in spoken if phones], len(known))
    times = np.bincount(np.concatenate([*spoken]).astype(int), minlength=len(known))
    transition = frame_transitions(log_bigram, np.maximum(frames[known] / times, _SHORTEST))
    return Grammar(known, np.log(frames[known] / frames.sum()), log_start, transition)


def fold_map(classes: Sequence[str]) -> list[int | None]:
    """The class that each class is scored as: for the 61 phones of TIMIT, the 39 of Lee and Hon.

    Parameters
    ----------
    classes : sequence of str

    Returns
    -------
    list of int or None
        Numbers of classes; None for the glottal stop, which is left out. Other classes than those of TIMIT are scored
        as themselves.

    Examples
    --------
    >>> classes = sorted(PHONES)
    >>> [classes[fold_map(classes)[classes.index(phone)]] for phone in ("ix", "zh", "aa")]
    ['ih', 'sh', 'aa']
    """
    if set(classes) != set(PHONES):
        return list(range(len(classes)))
    # "sil" is not one of the 61: h#, the silence at the ends, represents it.
    names = {phone: "h#" if folded == "sil" else folded for phone, folded in PHONES.items()}
    number = {phone: position for position, phone in enumerate(classes)}
    return [None if (name := names[phone]) is None else number[name] for phone in classes]


def correct_frames(found: ArrayLike, labels: ArrayLike, folded: Sequence[int | None]) -> tuple[int, int]:
    """Count the frames whose phone is correct.

    Parameters
    ----------
    found, labels : array_like of int, (frame,)
        Numbers of classes; -1 for a frame that has no label.
    folded : sequence of int or None
        See :func:`fold_map`.

    Returns
    -------
    correct, counted : int
        A frame without a label, or with one that is left out, is not counted.

    Examples
    --------
    >>> correct_frames([0, 1, 2, 0], [0, 0, 2, -1], folded=[0, 0, None])
    (2, 2)
    """
    scored_as = np.array([-1 if one is None else one for one in folded])
    found, labels = np.asarray(found), np.asarray(labels)
    truth = np.where(labels >= 0, scored_as[labels], -1)
    counted = truth >= 0
    return int(np.sum(counted & (scored_as[found] == truth))), int(counted.sum())


def count_errors(
    log_posteriors: Iterable[ArrayLike],
    sentences: Sequence[Sentence],
    grammar: Grammar,
    folded: Sequence[int | None],
    weights: Weights = EVEN,
) -> Edits:
    """Recognise sentences, and count the errors.

    Parameters
    ----------
    log_posteriors : iterable of array_like, (frame, class)
        Of each sentence.
    sentences : sequence of Sentence
    grammar : Grammar
    folded : sequence of int or None
        See :func:`fold_map`: truth and recognised phones are both folded, and repeats merged, before they are compared.
    weights : Weights

    Returns
    -------
    Edits
    """
    recognised = (grammar.recognise(posteriors, weights) for posteriors in log_posteriors)
    return phone_errors(
        [_fold(sentence.phones, folded) for sentence in sentences], [_fold(one, folded) for one in recognised]
    )


def choose_weights(
    log_posteriors: Sequence[ArrayLike],
    sentences: Sequence[Sentence],
    grammar: Grammar,
    folded: Sequence[int | None],
) -> tuple[Weights, Edits]:
    """Find the decoding weights with the fewest errors on a validation split.

    Parameters
    ----------
    log_posteriors, sentences, grammar, folded
        As :func:`count_errors`.

    Returns
    -------
    weights : Weights
        Of all pairs of `SCALES` and `PENALTIES`; of equally good pairs, the first.
    errors : Edits
        With these weights.
    """
    grid = [Weights(*pair) for pair in product(SCALES, PENALTIES)]
    tried = {weights: count_errors(log_posteriors, sentences, grammar, folded, weights) for weights in grid}
    best = min(grid, key=lambda weights: tried[weights].total)
    return best, tried[best]


def _fold(phones: Iterable[int], folded: Sequence[int | None]) -> list[int]:
    return merge_repeats(fold(phones, dict(enumerate(folded))))
