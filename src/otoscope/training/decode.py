"""From the posteriors of phones in each frame to the phones that were said."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError

_Phone = TypeVar("_Phone", bound=Hashable)


def merge_repeats(labels: Iterable[_Phone]) -> list[_Phone]:
    """Make one of each run of the same label.

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
    """Map phones to those that are told apart when errors are counted.

    Parameters
    ----------
    phones : iterable
    mapping : mapping
        From every phone to its class, such as the 61 of TIMIT to 39; to None where it is dropped, as the glottal stop.

    Returns
    -------
    list
        Two neighbours that fold into one class stay two: see :func:`merge_repeats`.

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
    r"""How likely each phone begins an utterance, and follows each other phone.

    Parameters
    ----------
    sequences : iterable of sequences of int
        The phones of each training utterance, as numbers, or the phone of each of its frames: repeats are merged.
    n_phones : int
        2 or more.
    smoothing : float
        Added to every count; above 0, so that nothing is impossible.

    Returns
    -------
    log_start : ndarray, (phone,)
    log_bigram : ndarray, (phone, next phone)
        Natural logarithms. No phone follows itself: how long it lasts is for :func:`frame_transitions`.

    Raises
    ------
    InputError
        If there is no utterance, a phone is not within the numbers, or the smoothing is not above 0.

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
        raise InputError(f"a bigram needs 2 phones or more and a smoothing above 0, not {n_phones} and {smoothing}")
    starts, pairs = np.full(n_phones, float(smoothing)), np.full((n_phones, n_phones), float(smoothing))
    np.fill_diagonal(pairs, 0)
    utterances = 0
    for sequence in sequences:
        phones = np.array(merge_repeats(np.asarray(sequence).tolist()), dtype=int)
        if not len(phones) or phones.min() < 0 or phones.max() >= n_phones:
            raise InputError(f"an utterance has no phones, or one not within 0 and {n_phones - 1}: {phones.tolist()}")
        starts[phones[0]] += 1
        np.add.at(pairs, (phones[:-1], phones[1:]), 1)
        utterances += 1
    if not utterances:
        raise InputError("there is no utterance to estimate the bigram from")
    with np.errstate(divide="ignore"):
        return np.log(starts / starts.sum()), np.log(pairs / pairs.sum(1, keepdims=True))


def frame_transitions(log_bigram: ArrayLike, mean_frames: ArrayLike) -> np.ndarray:
    r"""How likely a frame of one phone is followed by a frame of each.

    Parameters
    ----------
    log_bigram : array_like, (phone, next phone)
        Of :func:`phone_bigram`.
    mean_frames : array_like, () or (phone,)
        How many frames a phone lasts on average; above 1.

    Returns
    -------
    ndarray, (phone, next phone)
        Natural logarithms; each row is a distribution.

    Raises
    ------
    InputError
        If a duration is not above 1 frame.

    Notes
    -----
    A phone of the mean duration d is left with the probability 1/d at every frame, so that durations are geometric:
    the hidden Markov model of one state a phone.

    Examples
    --------
    >>> np.exp(frame_transitions(np.log([[1e-9, 1], [1, 1e-9]]), 4.0)).round(2).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    log_bigram = np.asarray(log_bigram, dtype=float)
    frames = np.broadcast_to(np.asarray(mean_frames, dtype=float), len(log_bigram))
    if not ((frames > 1) & np.isfinite(frames)).all():
        raise InputError("every phone has to last more than 1 frame on average: give mean_frames above 1")
    transitions = log_bigram - np.log(frames)[:, None]
    np.fill_diagonal(transitions, np.log1p(-1 / frames))
    return transitions


def viterbi(log_likelihood: ArrayLike, log_start: ArrayLike, log_transition: ArrayLike) -> tuple[list[int], float]:
    r"""The most likely path through a hidden Markov model.

    Parameters
    ----------
    log_likelihood : array_like, (frame, state)
        Of what was observed in each frame, given each state; up to a constant of each frame.
    log_start : array_like, (state,)
    log_transition : array_like, (state, next state)
        Natural logarithms; minus infinity for what cannot be.

    Returns
    -------
    path : list of int
        The state in each frame; the first one of those as likely.
    score : float
        Logarithm of the path's probability together with what was observed.

    Raises
    ------
    InputError
        If the shapes do not belong together, a value is NaN or plus infinity, or no path is possible.

    Notes
    -----
    The recursion :math:`\delta_t(j) = \max_i [\delta_{t-1}(i) + a_{ij}] + b_j(t)` of Viterbi (IEEE Transactions on
    Information Theory 13(2), 1967).

    Examples
    --------
    A doubtful frame goes with its neighbours:

    >>> sure, doubtful = np.log([0.9, 0.1]), np.log([0.4, 0.6])
    >>> viterbi([sure, doubtful, sure], np.log([0.5, 0.5]), np.log([[0.9, 0.1], [0.1, 0.9]]))[0]
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
            f"likelihoods (frame, state), start (state,) and transitions (state, state) do not belong together: "
            f"{likelihood.shape}, {start.shape}, {transition.shape}"
        )
    if not all((one < np.inf).all() for one in (likelihood, start, transition)):
        raise InputError("a logarithm is NaN or plus infinity: the model or its input is broken")
    best = start + likelihood[0]
    came_from = np.zeros((len(likelihood), states), dtype=int)
    for frame in range(1, len(likelihood)):
        ways = best[:, None] + transition
        came_from[frame] = ways.argmax(0)
        best = ways.max(0) + likelihood[frame]
    score = float(best.max())
    if score == -np.inf:
        raise InputError("no path is possible: smooth the bigram, or check the posteriors")
    path = [int(best.argmax())]
    for frame in range(len(likelihood) - 1, 0, -1):
        path.append(int(came_from[frame, path[-1]]))
    return path[::-1], score


def decode_phones(
    log_posteriors: ArrayLike,
    log_priors: ArrayLike,
    log_start: ArrayLike,
    log_transition: ArrayLike,
    *,
    acoustic_scale: float = 1.0,
) -> list[int]:
    r"""The phones that were said, from what a network says of each frame.

    Parameters
    ----------
    log_posteriors : array_like, (frame, phone)
        `log_softmax` of the logits.
    log_priors : array_like, (phone,)
        How often each phone is in the frames that the network was trained on.
    log_start, log_transition : array_like
        See :func:`phone_bigram` and :func:`frame_transitions`.
    acoustic_scale : float
        How much the network counts beside the bigram. Neighbouring frames say much the same, which the model does
        not know: values below 1 make up for it.

    Returns
    -------
    list of int

    Raises
    ------
    InputError
        As :func:`viterbi`, or if a phone's prior is zero.

    Notes
    -----
    By Bayes' rule the posterior over the prior is the likelihood up to a constant of the frame, which
    :func:`viterbi` takes (Bourlard & Morgan, Connectionist Speech Recognition, 1994).

    Examples
    --------
    >>> log_start, log_bigram = phone_bigram([[0, 1], [1, 0]], 2)
    >>> posteriors = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    >>> decode_phones(np.log(posteriors), np.log([0.5, 0.5]), log_start, frame_transitions(log_bigram, 2.0))
    [0, 1]
    """
    priors = np.asarray(log_priors, dtype=float)
    if not np.isfinite(priors).all():
        raise InputError("a phone's prior is zero or not a number: leave out phones that are in no training frame")
    likelihood = acoustic_scale * (np.asarray(log_posteriors, dtype=float) - priors)
    return merge_repeats(viterbi(likelihood, log_start, log_transition)[0])
