"""From the phone posteriors of frames to the sequence of phones."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError

_Phone = TypeVar("_Phone", bound=Hashable)


def merge_repeats(labels: Iterable[_Phone]) -> list[_Phone]:
    """Merge runs of the same label into one.

    Parameters
    ----------
    labels : iterable
        Such as the phone of each frame.

    Returns
    -------
    list

    Examples
    --------
    >>> merge_repeats(["sil", "sil", "ah", "ah", "sil"])
    ['sil', 'ah', 'sil']
    """
    return [label for label, _ in groupby(labels)]


def fold(phones: Iterable[_Phone], mapping: Mapping[_Phone, _Phone | None]) -> list[_Phone]:
    """Map phones to the classes in which errors are counted.

    Parameters
    ----------
    phones : iterable
    mapping : mapping
        From every phone to its class, such as the 61 of TIMIT to 39; to None for one that is dropped, as the glottal
        stop.

    Returns
    -------
    list
        Neighbours that fold into one class are not merged: see :func:`merge_repeats`.

    Raises
    ------
    InputError
        If a phone is not in the mapping.

    Notes
    -----
    The usual 39 classes of TIMIT are those of Lee & Hon, IEEE Transactions on ASSP 37(11), 1989.

    Examples
    --------
    >>> fold(["h#", "ao", "q", "tcl"], {"h#": "sil", "ao": "aa", "q": None, "tcl": "sil"})
    ['sil', 'aa', 'sil']
    """
    folded = []
    for phone in phones:
        if phone not in mapping:
            raise InputError(f"the phone {phone!r} is not in the mapping")
        target = mapping[phone]
        if target is not None:
            folded.append(target)
    return folded


def phone_bigram(
    sequences: Iterable[Sequence[int]], n_phones: int, *, smoothing: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    r"""Log probabilities of each phone to begin an utterance, and to follow each other phone.

    Parameters
    ----------
    sequences : iterable of sequences of int
        The phones of each training utterance, as numbers, or those of its frames: repeats are merged.
    n_phones : int
        2 or more.
    smoothing : float
        Added to every count; above 0, so that no transition is impossible.

    Returns
    -------
    log_start : ndarray, (phone,)
    log_bigram : ndarray, (phone, next phone)
        Natural logarithms. No phone follows itself: durations are added by :func:`frame_transitions`.

    Raises
    ------
    InputError
        If there is no utterance, a phone is not below `n_phones`, or the smoothing is not above 0.

    Notes
    -----
    :math:`P(j | i) = (n_{ij} + a) / \sum_{k \ne i} (n_{ik} + a)` with the counts n and the smoothing a.

    Examples
    --------
    >>> log_start, log_bigram = phone_bigram([[0, 1, 0, 2]], 3)
    >>> np.exp(log_bigram).round(2).tolist()
    [[0.0, 0.5, 0.5], [0.67, 0.0, 0.33], [0.5, 0.5, 0.0]]
    """
    if n_phones < 2 or not smoothing > 0:
        raise InputError(f"a bigram needs at least 2 phones and a smoothing above 0, not {n_phones} and {smoothing}")
    starts, pairs = np.full(n_phones, float(smoothing)), np.full((n_phones, n_phones), float(smoothing))
    np.fill_diagonal(pairs, 0)
    utterances = 0
    for sequence in sequences:
        phones = np.array(merge_repeats(np.asarray(sequence).tolist()), dtype=int)
        if not len(phones) or phones.min() < 0 or phones.max() >= n_phones:
            raise InputError(f"an utterance has no phones, or one not from 0 to {n_phones - 1}: {phones.tolist()}")
        starts[phones[0]] += 1
        np.add.at(pairs, (phones[:-1], phones[1:]), 1)
        utterances += 1
    if not utterances:
        raise InputError("there are no utterances to estimate the bigram from")
    with np.errstate(divide="ignore"):
        return np.log(starts / starts.sum()), np.log(pairs / pairs.sum(1, keepdims=True))


def frame_transitions(log_bigram: ArrayLike, mean_frames: ArrayLike) -> np.ndarray:
    r"""Log probabilities of the phone of the next frame, given that of a frame.

    Parameters
    ----------
    log_bigram : array_like, (phone, next phone)
        Of :func:`phone_bigram`.
    mean_frames : array_like, () or (phone,)
        Mean duration of a phone in frames; above 1.

    Returns
    -------
    ndarray, (phone, next phone)
        Natural logarithms; each row is a distribution.

    Raises
    ------
    InputError
        If a mean duration is not above 1 frame.

    Notes
    -----
    A phone with the mean duration d ends with probability 1/d at every frame, so that durations are geometric: a hidden
    Markov model with one state per phone.

    Examples
    --------
    >>> np.exp(frame_transitions(np.log([[1e-9, 1], [1, 1e-9]]), 4.0)).round(2).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    log_bigram = np.asarray(log_bigram, dtype=float)
    frames = np.broadcast_to(np.asarray(mean_frames, dtype=float), len(log_bigram))
    if not ((frames > 1) & np.isfinite(frames)).all():
        raise InputError("mean_frames must be above 1 for every phone")
    transitions: np.ndarray = log_bigram - np.log(frames)[:, None]
    np.fill_diagonal(transitions, np.log1p(-1 / frames))
    return transitions


def viterbi(log_likelihood: ArrayLike, log_start: ArrayLike, log_transition: ArrayLike) -> tuple[list[int], float]:
    r"""The most likely path through a hidden Markov model.

    Parameters
    ----------
    log_likelihood : array_like, (frame, state)
        Of the observation in each frame given each state, up to a constant per frame.
    log_start : array_like, (state,)
    log_transition : array_like, (state, next state)
        Natural logarithms; minus infinity for what is impossible.

    Returns
    -------
    path : list of int
        The state in each frame; of equally likely states, the first.
    score : float
        Log of the joint probability of path and observations.

    Raises
    ------
    InputError
        If the shapes do not match, a value is NaN or plus infinity, or no path is possible.

    Notes
    -----
    The recursion :math:`\delta_t(j) = \max_i [\delta_{t-1}(i) + a_{ij}] + b_j(t)` of Viterbi (IEEE Transactions on
    Information Theory 13(2), 1967).

    Examples
    --------
    An ambiguous frame follows its neighbours:

    >>> clear, ambiguous = np.log([0.9, 0.1]), np.log([0.4, 0.6])
    >>> viterbi([clear, ambiguous, clear], np.log([0.5, 0.5]), np.log([[0.9, 0.1], [0.1, 0.9]]))[0]
    [0, 0, 0]
    """
    likelihood, start, transition = (
        np.asarray(one, dtype=float) for one in (log_likelihood, log_start, log_transition)
    )
    states = len(start) if start.ndim else 0
    if (
        likelihood.ndim != 2
        or not len(likelihood)
        or likelihood.shape[1] != states
        or transition.shape != (states,) * 2
    ):
        raise InputError(
            "the shapes of likelihoods (frame, state), start (state,) and transitions (state, state) do not match: "
            f"{likelihood.shape}, {start.shape}, {transition.shape}"
        )
    if not all((one < np.inf).all() for one in (likelihood, start, transition)):
        raise InputError("a logarithm is NaN or plus infinity: the model or its input is broken")
    best = start + likelihood[0]
    previous = np.zeros((len(likelihood), states), dtype=int)
    for frame in range(1, len(likelihood)):
        candidates = best[:, None] + transition
        previous[frame] = candidates.argmax(0)
        best = candidates.max(0) + likelihood[frame]
    score = float(best.max())
    if score == -np.inf:
        raise InputError("no path is possible: smooth the bigram, or check the posteriors")
    path = [int(best.argmax())]
    for frame in range(len(likelihood) - 1, 0, -1):
        path.append(int(previous[frame, path[-1]]))
    return path[::-1], score


def decode_phones(
    log_posteriors: ArrayLike,
    log_priors: ArrayLike,
    log_start: ArrayLike,
    log_transition: ArrayLike,
    *,
    acoustic_scale: float = 1.0,
) -> list[int]:
    r"""The most likely phones, from the posteriors of a network.

    Parameters
    ----------
    log_posteriors : array_like, (frame, phone)
        `log_softmax` of the logits.
    log_priors : array_like, (phone,)
        The share of each phone in the training frames.
    log_start, log_transition : array_like
        See :func:`phone_bigram` and :func:`frame_transitions`.
    acoustic_scale : float
        Weight of the network against the bigram. Neighbouring frames are correlated, which the model ignores: values
        below 1 correct for it.

    Returns
    -------
    list of int

    Raises
    ------
    InputError
        As :func:`viterbi`, or if a phone's prior is zero.

    Notes
    -----
    By Bayes' rule, posterior divided by prior is the likelihood up to a constant per frame, which :func:`viterbi`
    takes (Bourlard & Morgan, Connectionist Speech Recognition, 1994).

    Examples
    --------
    >>> log_start, log_bigram = phone_bigram([[0, 1], [1, 0]], 2)
    >>> posteriors = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    >>> decode_phones(np.log(posteriors), np.log([0.5, 0.5]), log_start, frame_transitions(log_bigram, 2.0))
    [0, 1]
    """
    priors = np.asarray(log_priors, dtype=float)
    if not np.isfinite(priors).all():
        raise InputError("a phone's prior is zero or not finite: leave out phones without training frames")
    likelihood = acoustic_scale * (np.asarray(log_posteriors, dtype=float) - priors)
    return merge_repeats(viterbi(likelihood, log_start, log_transition)[0])
