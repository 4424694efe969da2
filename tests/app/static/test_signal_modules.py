"""What the page computes of sounds, against the library and against independent versions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
import torch
from scipy.signal import ShortTimeFFT, get_window, lfilter

from otoscope.app.packing import Part
from otoscope.dsp.spectra import short_time_spectrum

STATIC = Path(__file__).resolve().parents[3] / "src/otoscope/app/static"
NODE = ["node", "--experimental-default-type=module", "--input-type=module", "-"]
SHELF = {"shelf": ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585])}
HIGH_PASS = ([1, -2, 1], [1, -1.99004745483398, 0.99007225036621])
"""Filters of ITU-R BS.1770-4 at 48 kHz, tables 1 and 2."""

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="runs the page's own code: install node 20 or later"
)


def run(module: str, names: str, expression: str, **given: Any) -> Any:
    """What an expression gives in node; arrays come as Float32Array."""
    arrays = {name: np.asarray(value, "f4").tolist() for name, value in given.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in given.items() if name not in arrays}
    code = [f"import {{ {names} }} from {json.dumps((STATIC / module).as_uri())};"]
    code += [f"const {name} = Float32Array.from({json.dumps(value)});" for name, value in arrays.items()]
    code += [f"const {name} = {json.dumps(value)};" for name, value in plain.items()]
    code += ["const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);"]
    code += [f"console.log(JSON.stringify({expression}, plain));"]
    ran = subprocess.run(NODE, input="\n".join(code), capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(n) * np.hanning(n)).astype("f4")


@pytest.mark.parametrize(
    ("rate", "n"), [(8000, 3457), (16000, 8000), (22050, 5000), (11025, 777), (8000, 50), (8000, 1)]
)
def test_short_time_spectrum_is_the_library_s(rate: int, n: int) -> None:
    x = noise(n, n)
    if n == 1:
        x[:] = 1
    found = run("signal.js", "stft", f"stft(x, {rate}, 0.025, 0.004)", x=x)
    length = 2 * round(0.025 * rate / 2)
    wave = torch.from_numpy(x.astype("f8"))
    magnitude = short_time_spectrum(wave, rate, length / rate, round(0.004 * rate) / rate)[0].numpy()
    assert (found["F"], found["T"]) == magnitude.shape
    with np.errstate(divide="ignore"):
        level = 20 * np.log10(magnitude / magnitude.max())
    expected = np.round(np.clip(level / 70 + 1, 0, 1) * 255)
    np.testing.assert_allclose(np.reshape(found["q"], magnitude.shape), expected, atol=1)  # where it falls on a half


def test_short_time_spectrum_is_scipy_s() -> None:
    x, rate, step = noise(4000), 8000, 16
    found = run("signal.js", "stft", f"stft(x, {rate}, 0.025, {step / rate})", x=x)
    transform = ShortTimeFFT(get_window("hann", 200), step, rate, mfft=200)
    magnitude = np.abs(transform.stft(x.astype("f8"), p0=0, p1=4000 // step))
    expected = np.round(np.clip(20 * np.log10(magnitude / magnitude.max()) / 70 + 1, 0, 1) * 255)
    np.testing.assert_allclose(np.reshape(found["q"], magnitude.shape), expected, atol=1)


def test_finer_picture_lies_on_the_picture_it_is_made_of() -> None:
    """Frames at the same instants have the same values, below the peak of the whole sound and not of the stretch."""
    x, rate = noise(8000), 8000
    wave = torch.from_numpy(x.astype("f8"))
    coarse = short_time_spectrum(wave, rate, 0.025, 0.02)[0].numpy()
    picture = {"kind": "db", "floor": 70, "df": 40}
    more = {"of": {"rate": rate, "window": 0.025, "ref": float(coarse.max())}}
    finer = "finer({ ...picture, of: { ...more.of, x } }, 0.2, 0.4, 0.002)"
    found = run("signal.js", "finer", finer, x=x, picture=picture, more=more)
    level = np.round(np.clip(20 * np.log10(coarse / coarse.max()) / 70 + 1, 0, 1) * 255)
    values = np.reshape(found["q"], (found["F"], found["T"]))
    assert (found["at"], found["hop"]) == (0.2, 0.002)
    np.testing.assert_allclose(values[:, ::10], level[:, 10:20], atol=1)


def test_spectrum_is_the_mean_power_of_the_stretch() -> None:
    x = noise(4000)
    found = run(
        "signal.js",
        "stft, spectrum",
        "(() => { const p = stft(x, 8000, 0.025, 0.002); return [p.q, spectrum(p, 0.1, 0.3)]; })()",
        x=x,
    )
    q = np.reshape(found[0], (101, -1))[:, 50:150]
    expected = np.where(q > 0, 10 ** ((q / 255 - 1) * 7), 0).sum(1)
    np.testing.assert_allclose(found[1], expected, rtol=1e-5)


def test_weighting_of_loudness_is_that_of_the_standard() -> None:
    x = np.random.default_rng(1).standard_normal(4800).astype("f4")
    found = run("loudness.js", "kWeighted", "kWeighted(x, 48000)", x=x)
    expected = lfilter(*HIGH_PASS, lfilter(*SHELF["shelf"], x.astype("f8")))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("rate", "tolerance"), [(48000, 0.05), (16000, 0.1), (8000, 0.25)])
def test_loudness_of_a_tone_is_its_level(rate: int, tolerance: float) -> None:
    """A full-scale tone at 997 Hz has -3.01 LKFS; -0.691 is the offset of the standard."""
    x = np.sin(2 * np.pi * 997 * np.arange(rate) / rate)
    found = run("loudness.js", "loudness", f"loudness(x, {rate})", x=x)
    assert -0.691 + 20 * np.log10(found) == pytest.approx(-3.01, abs=tolerance)


def test_loudness_leaves_out_what_is_much_softer() -> None:
    """Silence after a sound does not make it softer."""
    x = np.random.default_rng(2).standard_normal(8000) * 0.1
    whole, padded = (
        run("loudness.js", "loudness", "loudness(x, 8000)", x=one) for one in (x, np.concatenate([x, np.zeros(24000)]))
    )
    assert 20 * np.log10(padded / whole) == pytest.approx(0, abs=0.6)


@pytest.mark.parametrize(
    ("rate", "device"), [(8000, 48000), (8000, 44100), (16000, 44100), (44100, 48000), (48000, 16000)]
)
def test_resampling_leaves_no_image_and_no_fold(rate: int, device: int) -> None:
    """A tone comes out as this tone, and everything else at least 80 dB below."""
    tone = 0.375 * min(rate, device)
    x = np.sin(2 * np.pi * tone * np.arange(rate // 4) / rate)
    y = np.array(run("resample.js", "resample", f"resample(x, {rate}, {device}, 0)", x=x))
    y = y[len(y) // 8 : -len(y) // 8]
    spectrum = np.abs(np.fft.rfft(y * get_window("blackmanharris", len(y))))
    at = round(tone * len(y) / device)
    rest = np.delete(spectrum, np.arange(max(0, at - 6), at + 7))
    assert 20 * np.log10(spectrum.max() / rest.max()) > 80
    assert spectrum.argmax() == pytest.approx(at, abs=1)
    assert np.abs(y).max() == pytest.approx(1, abs=0.01)


def test_resampling_is_soxr_s() -> None:
    t = np.arange(4000) / 8000
    x = sum(np.sin(2 * np.pi * f * t + f) for f in (217, 1031, 2300)) * np.hanning(4000)
    found = np.array(run("resample.js", "resample", "resample(x, 8000, 48000, 0)", x=x))
    expected = soxr.resample(x, 8000, 48000, quality="VHQ")
    assert found.size == expected.size
    assert 20 * np.log10(np.abs(found - expected).max() / np.abs(expected).max()) < -90


def test_resampling_folds_nothing_down() -> None:
    """What the lower rate cannot hold is gone."""
    x = np.sin(2 * np.pi * 11000 * np.arange(12000) / 48000)
    y = np.array(run("resample.js", "resample", "resample(x, 48000, 16000, 0)", x=x))
    assert 20 * np.log10(np.abs(y[500:-500]).max()) < -60


def test_resampling_at_the_same_rate_changes_nothing() -> None:
    x = noise(100)
    assert run("resample.js", "resample", "resample(x, 8000, 8000, 0.01)", x=x) == x.tolist() + [0.0] * 80


@pytest.mark.parametrize("bits", [16, 14, 10])
def test_samples_are_those_packed(bits: int) -> None:
    part = Part()
    part.map([1, 2, 3])  # so that it begins elsewhere than at 0
    x = noise(999)
    ref = part.sound(x, bits=bits)
    found = run(
        "data.js",
        "fromBase64, inflate, readSound",
        "readSound(await inflate(fromBase64(text)), ref)",
        text=_text(part),
        ref=ref,
    )
    np.testing.assert_allclose(found, x, atol=ref["peak"] / 2 ** (bits - 1))


def test_pictures_are_those_packed() -> None:
    part = Part()
    values = np.random.default_rng(3).random((5, 7)) ** 4
    ref = part.db(values)
    signed = part.signed(values - 0.3)
    read = "readPicture(await inflate(fromBase64(text)), ref, 8000, 0.01)"
    names = "fromBase64, inflate, readPicture"
    found = run("data.js", names, read, text=_text(part), ref=ref)
    levels = (np.reshape(found["q"], (5, 7)) / 255 - 1) * 70
    np.testing.assert_allclose(levels, np.maximum(20 * np.log10(values / values.max()), -70), atol=0.14)
    assert (found["F"], found["T"], found["df"], found["hop"]) == (5, 7, 1000, 0.01)
    found = run("data.js", names, read, text=_text(part), ref=signed)
    root = (np.reshape(found["q"], (5, 7)) - 128) / 127
    np.testing.assert_allclose(np.sign(root) * root**2 * signed["top"], values - 0.3, atol=0.01 * signed["top"])


def test_outlines_are_those_packed() -> None:
    part = Part()
    x = noise(1000)
    ref = part.envelope(x, 100)
    read = "readEnvelope(await inflate(fromBase64(text)), ref)"
    found = run("data.js", "fromBase64, inflate, readEnvelope", read, text=_text(part), ref=ref)
    blocks = x.reshape(10, 100)
    np.testing.assert_allclose(found["low"], blocks.min(1), atol=ref["peak"] / 120)
    np.testing.assert_allclose(found["high"], blocks.max(1), atol=ref["peak"] / 120)


def _text(part: Part) -> str:
    import base64

    return base64.b64encode(part.packed()).decode()
