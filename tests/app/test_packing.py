"""Packed arrays come back as they were, to bounds in dB, read by a decoder of its own."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.app.packing import Part, Parts
from page_decoder import read


def snr(wanted: np.ndarray, found: np.ndarray) -> float:
    """In dB."""
    return float(10 * np.log10((wanted**2).sum() / ((wanted - found) ** 2).sum()))


@pytest.mark.parametrize(("bits", "least"), [(16, 85.0), (14, 73.0), (11, 55.0)])
def test_a_sound_comes_back_to_its_bits(bits: int, least: float) -> None:
    samples = 0.3 * np.random.default_rng(0).normal(size=4000)
    part = Part()
    ref = part.sound(samples, bits)
    found = read(part.packed(), ref)
    assert ref["peak"] == np.abs(samples).max()
    assert np.abs(found - samples).max() <= ref["peak"] / (2 ** (bits - 1) - 1) / 2 * (1 + 1e-9)
    assert snr(samples, found) > least


def test_16_bits_hold_a_recording_of_16_bits_that_reaches_full_scale() -> None:
    samples = np.random.default_rng(1).integers(-32767, 32768, 2000)
    samples[7] = 32767
    part = Part()
    found = read(part.packed() if (ref := part.sound(samples / 32767)) else b"", ref)
    assert (np.round(found * 32767) == samples).all()


def test_magnitudes_come_back_in_db() -> None:
    magnitudes = 10 ** np.random.default_rng(2).uniform(-5, 1, (40, 60))
    part = Part()
    ref = part.db(magnitudes)
    wanted = np.maximum(20 * np.log10(magnitudes / magnitudes.max()), -70)
    assert np.abs(read(part.packed(), ref) - wanted).max() <= 70 / 255 / 2 * (1 + 1e-9)


def test_signs_are_kept_and_zero_is_exact() -> None:
    values = np.random.default_rng(3).normal(size=(30, 50)) ** 3
    values[:, 5] = 0
    part = Part()
    found = read(part.packed() if (ref := part.signed(values)) else b"", ref)
    assert (found[:, 5] == 0).all() and (found * values >= 0).all()
    root = np.sqrt(np.abs(values) / ref["top"])
    assert np.abs(np.sqrt(np.abs(found) / ref["top"]) - root).max() <= 0.5 / 127 * (1 + 1e-9)


def test_shares_maps_and_envelopes() -> None:
    values = np.random.default_rng(4).normal(size=(7, 90))
    part = Part()
    share, line, outline = part.share(values), part.map(values[0]), part.envelope(values[1], 7)
    packed = part.packed()
    positive = np.maximum(values, 0)
    root = np.sqrt(positive / positive.max())
    assert np.abs(np.sqrt(read(packed, share) / share["peak"]) - root).max() <= 0.5 / 255 * (1 + 1e-9)
    assert np.abs(read(packed, line) - values[0]).max() <= line["peak"] / 127 / 2 * (1 + 1e-9)
    groups = [values[1][i : i + 7] for i in range(0, 90, 7)]
    wanted = np.array([[one.min() for one in groups], [one.max() for one in groups]])
    assert outline["shape"] == [2, 13] and np.abs(read(packed, outline) - wanted).max() <= outline["peak"] / 127


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40), st.sampled_from([2, 10, 16]))
def test_any_samples_come_back(samples: list[float], bits: int) -> None:
    part = Part()
    ref = part.sound(samples, bits)
    assert read(part.packed(), ref) == pytest.approx(np.array(samples), abs=ref["peak"] / (2**bits - 2) * (1 + 1e-9))


@pytest.mark.filterwarnings("error")
def test_what_is_silent_or_not_finite_is_packed_too() -> None:
    part = Part()
    nothing, odd = np.zeros((3, 4)), np.array([[np.nan, np.inf, 1.0], [0.0, -np.inf, -1.0]])
    refs = [part.sound(nothing[0]), part.db(nothing), part.signed(nothing), part.share(nothing), part.map(nothing[0])]
    refs += [part.sound(odd[0]), part.db(odd[:, 2:]), part.signed(odd), part.share(np.empty((3, 0))), part.sound([])]
    packed = part.packed()
    for ref in refs:
        assert np.isfinite(read(packed, ref)).all()
    assert read(packed, refs[1]).max() == -70 and not read(packed, refs[2]).any()


def test_parts_are_apart() -> None:
    parts = Parts()
    assert parts["a"].map([1.0, 2.0])["at"] == parts["b"].map([1.0])["at"] == 0
    assert parts["a"].map([1.0])["at"] == 2
    assert {name: len(zlib.decompress(part)) for name, part in parts.packed().items()} == {"a": 3, "b": 1}


def test_the_size_is_known_as_a_part_grows() -> None:
    parts, sizes = Parts(), []
    for _ in range(3):
        parts["a"].sound(np.random.default_rng(5).normal(size=1000))
        sizes.append(parts.size)
    assert sizes == sorted(sizes) and sizes[0] > 2000
    assert sizes[-1] == pytest.approx(4 / 3 * len(parts.packed()["a"]), abs=16)
