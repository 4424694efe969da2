"""Decoding of phones against all paths, and what the bigram and durations say of sequences drawn from them."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from otoscope import InputError
from otoscope.training import decode_phones, fold, frame_transitions, merge_repeats, phone_bigram, viterbi


def distributions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.log(rng.dirichlet(np.ones(shape[-1]), shape[:-1]))


def score(path: tuple[int, ...], likelihood: np.ndarray, start: np.ndarray, transition: np.ndarray) -> float:
    total = start[path[0]] + likelihood[0, path[0]]
    for frame in range(1, len(path)):
        total += transition[path[frame - 1], path[frame]] + likelihood[frame, path[frame]]
    return float(total)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("frames", "states"), [(1, 3), (5, 3), (7, 2), (4, 5)])
def test_viterbi_finds_the_best_of_all_paths(seed: int, frames: int, states: int) -> None:
    rng = np.random.default_rng(seed)
    model = distributions(rng, frames, states), distributions(rng, states), distributions(rng, states, states)
    path, found = viterbi(*model)
    scores = {way: score(way, *model) for way in product(range(states), repeat=frames)}
    assert tuple(path) == max(scores, key=scores.get)
    assert found == pytest.approx(max(scores.values()))


def test_what_is_impossible_is_not_taken() -> None:
    with np.errstate(divide="ignore"):
        in_turn = np.log([[0, 1.0, 0], [0, 0, 1.0], [1.0, 0, 0]])
        first = np.log([1.0, 0, 0])
    likelihood = np.log(np.random.default_rng(0).random((7, 3)))
    assert viterbi(likelihood, first, in_turn)[0] == [0, 1, 2, 0, 1, 2, 0]
    with pytest.raises(InputError, match="no path is possible"):
        viterbi(likelihood, first, np.full((3, 3), -np.inf))


def test_a_constant_of_each_frame_does_not_count() -> None:
    rng = np.random.default_rng(1)
    likelihood, start, transition = distributions(rng, 30, 4), distributions(rng, 4), distributions(rng, 4, 4)
    constants = rng.normal(size=(30, 1))
    assert viterbi(likelihood + constants, start, transition)[0] == viterbi(likelihood, start, transition)[0]


def test_a_bigram_counts_what_follows_what() -> None:
    sequences = [[0, 1, 2, 1], [0, 0, 0, 2, 2, 1], [1]]
    log_start, log_bigram = phone_bigram(sequences, 3, smoothing=0.5)
    pairs = np.array([[0, 1, 1], [0, 0, 1], [0, 2, 0]]) + 0.5 * (1 - np.eye(3))
    np.testing.assert_allclose(np.exp(log_bigram), pairs / pairs.sum(1, keepdims=True))
    np.testing.assert_allclose(np.exp(log_start), np.array([2.5, 1.5, 0.5]) / 4.5)
    as_arrays = phone_bigram((np.array(one) for one in sequences), 3, smoothing=0.5)
    np.testing.assert_array_equal(as_arrays[1], log_bigram)


def test_bigram_and_durations_are_found_again_in_what_they_made() -> None:
    rng = np.random.default_rng(2)
    bigram = np.array([[0, 0.7, 0.3], [0.2, 0, 0.8], [0.5, 0.5, 0]])
    mean_frames = np.array([3.0, 8.0, 5.0])
    transition = np.exp(frame_transitions(np.log(np.maximum(bigram, 1e-300)), mean_frames))
    np.testing.assert_allclose(transition.sum(1), 1)
    frames = [0]
    for draw in rng.random(30000):
        frames.append(int(np.searchsorted(transition[frames[-1]].cumsum(), draw)))
    _, found = phone_bigram([frames], 3)
    np.testing.assert_allclose(np.exp(found), bigram, atol=0.03)
    phones, counts = np.array(merge_repeats(frames)), np.bincount(frames)
    np.testing.assert_allclose(counts / np.bincount(phones), mean_frames, rtol=0.1)


def test_decoding_divides_by_the_priors_and_merges() -> None:
    rng = np.random.default_rng(3)
    log_start, log_bigram = phone_bigram([[0, 1, 2, 0, 2]], 3)
    transition = frame_transitions(log_bigram, [2.0, 3.0, 4.0])
    posteriors, priors = distributions(rng, 40, 3), np.log([0.7, 0.2, 0.1])
    path, _ = viterbi(0.6 * (posteriors - priors), log_start, transition)
    phones = decode_phones(torch.from_numpy(posteriors), priors, log_start, transition, acoustic_scale=0.6)
    assert phones == merge_repeats(path)
    assert all(one != other for one, other in pairwise(phones))


def test_the_grammar_mends_what_single_frames_get_wrong() -> None:
    """Frames drawn from a known model: its path has fewer wrong frames than the best class of each frame."""
    rng = np.random.default_rng(4)
    phones, length = 4, 3000
    log_start, log_bigram = phone_bigram([rng.integers(phones, size=50)], phones)
    transition = frame_transitions(log_bigram, 6.0)
    truth = [0]
    for draw in rng.random(length - 1):
        truth.append(min(int(np.searchsorted(np.exp(transition[truth[-1]]).cumsum(), draw)), phones - 1))
    logits = 1.2 * np.eye(phones)[truth] + rng.normal(size=(length, phones))
    # Of unit deviation around 1.2 these are, up to a constant of the frame, the logarithms of a density over 1.2.
    path, _ = viterbi(1.2 * logits, log_start, transition)
    wrong_alone = np.mean(logits.argmax(1) != truth)
    wrong = np.mean(np.array(path) != truth)
    assert wrong < 0.6 * wrong_alone


def test_folding() -> None:
    mapping = {"ih": "ih", "ix": "ih", "q": None, "zh": "sh"}
    assert fold(["ix", "q", "ih", "zh"], mapping) == ["ih", "ih", "sh"]
    assert fold([2, 1], {1: 0, 2: 0}) == [0, 0]
    with pytest.raises(InputError, match="'aa' is not in the mapping"):
        fold(["ih", "aa"], mapping)


def test_what_cannot_be_is_said() -> None:
    log_start, log_bigram = phone_bigram([[0, 1]], 2)
    transition = frame_transitions(log_bigram, 2.0)
    with pytest.raises(InputError, match="no utterances"):
        phone_bigram([], 2)
    with pytest.raises(InputError, match=r"not from 0 to 1: \[0, 2\]"):
        phone_bigram([[0, 2]], 2)
    with pytest.raises(InputError, match="smoothing"):
        phone_bigram([[0, 1]], 2, smoothing=0)
    with pytest.raises(InputError, match="must be above 1 for every phone"):
        frame_transitions(log_bigram, [2.0, 1.0])
    with pytest.raises(InputError, match="do not match"):
        viterbi(np.zeros((4, 3)), log_start, transition)
    with pytest.raises(InputError, match="NaN"):
        viterbi(np.full((4, 2), np.nan), log_start, transition)
    with pytest.raises(InputError, match="prior is zero"):
        decode_phones(np.zeros((4, 2)), [0.0, -np.inf], log_start, transition)
