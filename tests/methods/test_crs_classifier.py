"""Classification by response spectra: planted data with a known answer, and real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.fft import dct
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import nn

from otoscope.contract import Contract
from otoscope.data.find import find_sounds
from otoscope.data.items import Item
from otoscope.errors import InputError
from otoscope.methods.crs import crs
from otoscope.methods.crs_classifier import ALL, crs_classifier
from otoscope.subject import Subject

RATE = 8000


@pytest.fixture(scope="module")
def subject() -> Subject:
    """Its kernels are an orthonormal basis, so that response spectra are magnitude spectra of frames."""
    layer = nn.Conv1d(1, 40, 40, stride=20, bias=False)
    layer.weight.data = torch.from_numpy(dct(np.eye(40), norm="ortho", axis=0)).float()[:, None]
    return Subject(layer, sample_rate=RATE)


def noise(rng: np.random.Generator, band: tuple[int, int] | None = None, gain: float = 4.0) -> np.ndarray:
    """White noise; within a band in Hz, louder."""
    spectrum = np.fft.rfft(rng.standard_normal(1600))
    frequency = np.fft.rfftfreq(1600, 1 / RATE)
    if band:
        spectrum[(frequency >= band[0]) & (frequency < band[1])] *= gain
    return np.fft.irfft(spectrum).astype(np.float32)


def clip(samples: np.ndarray, label: str, **facts: str) -> Item:
    name = facts.pop("name", f"{label}-{samples[0]}")
    return Item(xr.DataArray(samples, dims="time", attrs={"sample_rate": RATE, "name": name}), (label,), facts=facts)


@pytest.fixture(scope="module")
def planted() -> list[Item]:
    """Two classes that differ from 1,000 to 1,500 Hz alone."""
    rng = np.random.default_rng(0)
    return [clip(noise(rng, (1000, 1500) if n % 2 else None), "bonafide spoof".split()[n % 2]) for n in range(40)]


def test_it_finds_what_was_planted(subject: Subject, planted: list[Item]) -> None:
    found = crs_classifier(subject, planted, n_fft=80, resamples=200)
    assert float(found.accuracy[0]) == 1 and float(found.balanced_accuracy[0]) == 1
    effect = found.effect
    planted_band = (effect.frequency >= 1000) & (effect.frequency <= 1500)
    elsewhere = (effect.frequency < 600) | (effect.frequency > 1900)  # further away than a frame of 5 ms resolves
    assert float(found.effect_ci_low[planted_band].min()) > 2 * float(found.effect_ci_high[elsewhere].max())


def test_chance_is_what_noise_gives(subject: Subject) -> None:
    rng = np.random.default_rng(1)
    found = crs_classifier(subject, [clip(noise(rng), "ab"[n % 2]) for n in range(60)], n_fft=80, resamples=200)
    assert abs(float(found.accuracy[0]) - 0.5) < 0.2 and float(found.chance[0]) == 0.5
    inside = (found.effect_ci_low <= 0) & (found.effect_ci_high >= 0)
    assert float(inside.mean()) > 0.7


def test_the_duration_of_a_clip_does_not_matter(subject: Subject) -> None:
    """The same noise, twice as long in one class, filled up with silence by the contract of the model."""
    rng = np.random.default_rng(3)
    filling = Subject(subject.model, sample_rate=RATE, contract=Contract(sample_rate=RATE, trained_length=3200))
    sounds = [clip(np.tile(noise(rng), 1 + n % 2), "ab"[n % 2], name=str(n)) for n in range(60)]
    found = crs_classifier(filling, sounds, n_fft=80, resamples=100)
    assert abs(float(found.accuracy[0]) - 0.5) < 0.2
    assert float(abs(found.effect).max()) < float(found.effect_chance)


@pytest.mark.replica("crs_classifier")
def test_it_is_the_machine_of_scikit_learn_on_response_spectra(subject: Subject, planted: list[Item]) -> None:
    """An independent version: features by the method `crs`, one by one; folds, scaling and machine by hand."""
    found = crs_classifier(subject, planted, n_fft=80, folds=4, seed=3, resamples=10)
    features = np.stack([crs(subject, item.sound, n_fft=80).crs.values for item in planted]).astype(float)
    known = np.array([item.labels[0] == "spoof" for item in planted]).astype(int)
    names = np.array([item.sound.attrs["name"] for item in planted])
    hits = []
    for train, test in StratifiedGroupKFold(4, shuffle=True, random_state=3).split(
        features, known, np.unique(names, return_inverse=True)[1]
    ):
        scaler = StandardScaler().fit(features[train])
        machine = SVC(kernel="poly", degree=3).fit(scaler.transform(features[train]), known[train])
        hits.append((machine.predict(scaler.transform(features[test])) == known[test]).mean())
    np.testing.assert_allclose(found.fold_accuracy[0], hits)
    assert float(found.accuracy_deviation[0]) == pytest.approx(np.std(hits, ddof=1))
    np.testing.assert_allclose(found.class_crs.sel({"class": "spoof"}), features[known == 1].mean(0), rtol=1e-5)


@pytest.mark.parametrize("fact", ["speaker", "Speaker", "client_id"])
def test_no_speaker_is_on_both_sides(subject: Subject, fact: str) -> None:
    """Each speaker has a band and a class of their own: what is learnt of one says nothing of another."""
    rng = np.random.default_rng(2)
    items = []
    for speaker in range(8):
        band = (400 * speaker + 300, 400 * speaker + 700)
        facts, label = {fact: f"s{speaker}"}, "ab"[speaker % 2]
        items += [clip(noise(rng, band, 8), label, **facts, name=f"{speaker}-{n}") for n in range(6)]
    with_speakers = crs_classifier(subject, items, n_fft=80, folds=4, resamples=10)
    without = crs_classifier(subject, [Item(one.sound, one.labels) for one in items], n_fft=80, folds=4, resamples=10)
    assert with_speakers.attrs["unit"] == "speaker" and int(with_speakers.units[0]) == 8
    assert float(without.accuracy[0]) > 0.9 > 0.75 > float(with_speakers.accuracy[0])


def test_speakers_can_be_the_classes(subject: Subject) -> None:
    rng = np.random.default_rng(2)
    bands = {"anna": (300, 700), "bert": (2000, 2400)}
    items = [clip(noise(rng, bands[who]), who, speaker=who, name=f"{who}-{n}") for who in bands for n in range(6)]
    found = crs_classifier(subject, items, n_fft=80, folds=3, resamples=10)
    assert found.attrs["unit"] == "file" and float(found.accuracy[0]) == 1


def test_groups_are_set_against_the_class_they_divide_not(subject: Subject) -> None:
    """As in Table 1 of SWAM: each kind of attack against bona fide speech; one kind differs, the other does not."""
    rng = np.random.default_rng(4)
    items = [clip(noise(rng), "bonafide", group="bonafide", name=f"b{n}") for n in range(20)]
    items += [clip(noise(rng, (1000, 1500)), "spoof", group="TTS", name=f"t{n}") for n in range(20)]
    items += [clip(noise(rng), "spoof", group="VC", name=f"v{n}") for n in range(20)]
    found = crs_classifier(subject, items, n_fft=80, resamples=10)
    assert found.group.values.tolist() == [ALL, "TTS", "VC"] and found.clips.values.tolist() == [60, 40, 40]
    accuracy = dict(zip(found.group.values.tolist(), found.accuracy.values.tolist(), strict=True))
    assert accuracy["TTS"] > 0.95 > 0.75 > accuracy["VC"]


@pytest.mark.parametrize(
    ("sounds", "message"),
    [
        ([np.ones(800, "f4")], "has no class"),
        ([(np.ones(800, "f4"), "a")] * 2, "two classes or more are needed"),
        ([(np.ones(800, "f4"), "a"), (np.ones(800, "f4"), "b")], "single file"),
        ([], "no sounds"),
    ],
)
def test_what_cannot_be_classified_is_refused(subject: Subject, sounds: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        crs_classifier(subject, sounds, n_fft=80)


def test_an_unknown_fact_is_refused(subject: Subject, planted: list[Item]) -> None:
    with pytest.raises(InputError, match="no fact 'attack'"):
        crs_classifier(subject, planted, groups="attack", n_fft=80)


@pytest.mark.parametrize("option", [{"folds": 1}, {"degree": 0}, {"penalty": 0.0}, {"resamples": 0}])
def test_options_out_of_range_are_refused(subject: Subject, planted: list[Item], option: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(option))):
        crs_classifier(subject, planted, n_fft=80, **option)


@pytest.mark.parametrize(
    ("place", "by", "unit"), [("fsdd@test:{}/fsdd", "digit", "speaker"), ("esc10:{}/esc10", None, "recording")]
)
def test_recordings(data: Path, place: str, by: str | None, unit: str) -> None:
    """The first layer of a network trained for another task tells sounds apart, better than chance."""
    items = find_sounds(place.format(data), by=by, limit=60 if unit == "recording" else 120)
    found = crs_classifier(Subject("fsdd-speaker"), items, hop=10, n_fft=128, folds=3, resamples=20)
    assert found.attrs["unit"] == unit
    assert 0 <= float(found.accuracy[0]) <= 1 and float(found.chance[0]) < 0.15
    if unit == "recording":
        assert float(found.accuracy[0]) > 0.2
