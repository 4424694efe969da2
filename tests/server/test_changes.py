"""Sounds that are changed: new ones, of which the old one stays as it was."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from served import Browser

RATE = 16_000


def samples(browser: Browser, sound: dict[str, Any]) -> np.ndarray:
    content = browser.get(f"/api/sounds/{sound['id']}/file.wav").content
    found: np.ndarray = soundfile.read(io.BytesIO(content), dtype="float32")[0]
    return found


def changed(browser: Browser, sound: dict[str, Any], **change: Any) -> dict[str, Any]:
    answer = browser.post(f"/api/sounds/{sound['id']}/changes", json=change)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["sound"]
    assert made["id"] != sound["id"] and made["from"] == {"sound": sound["id"], "change": change}
    return made


def energy(values: np.ndarray, low: float, high: float) -> float:
    spectrum, frequency = np.abs(np.fft.rfft(values)) ** 2, np.fft.rfftfreq(values.size, 1 / RATE)
    return float(spectrum[(frequency >= low) & (frequency <= high)].sum())


def test_a_band_is_taken_out(browser: Browser) -> None:
    sound = browser.sound(1.0)
    made = changed(browser, sound, kind="band_stop", low=1000.0, high=2000.0)
    before, after = samples(browser, sound), samples(browser, made)
    assert energy(after, 1100, 1900) < 1e-4 * energy(before, 1100, 1900)
    assert energy(after, 300, 900) == pytest.approx(energy(before, 300, 900), rel=1e-3)
    assert "1,000 to 2,000 Hz" in made["name"] and made["duration"] == sound["duration"]


def test_a_gap_is_silent_and_changes_add_up(browser: Browser) -> None:
    made = changed(browser, browser.sound(1.0), kind="gap", start=0.2, stop=0.4)
    again = changed(browser, made, kind="gap", start=0.6, stop=0.8)
    values = samples(browser, again)
    for start in (0.25, 0.65):
        assert not values[round(start * RATE) : round((start + 0.1) * RATE)].any()
    assert values[: round(0.1 * RATE)].any()


def test_f0_is_moved(browser: Browser) -> None:
    pytest.importorskip("parselmouth")
    sound = browser.post("/api/examples/e1").json()["sound"]
    before, after = samples(browser, sound), samples(browser, changed(browser, sound, kind="f0", factor=1.5))

    def pitch(values: np.ndarray) -> float:
        part = values[2000:6000] - values[2000:6000].mean()
        correlation = np.correlate(part, part, "full")[part.size - 1 :]
        lags = np.arange(RATE // 500, RATE // 100)
        return RATE / float(lags[correlation[lags].argmax()])

    assert pitch(after) / pitch(before) == pytest.approx(1.5, rel=0.03)


@pytest.mark.parametrize(
    "change",
    [{}, {"kind": "echo"}, {"kind": "gap", "start": 0.1}, {"kind": "gap", "start": 0.3, "stop": 0.1},
     {"kind": "gap", "start": -1, "stop": 1}, {"kind": "band_stop", "low": 0, "high": "2000"},
     {"kind": "f0", "factor": 100}, {"kind": "f0", "factor": True}, {"kind": "f0", "factor": 1.5, "path": "x"}],
)  # fmt: skip
def test_what_is_no_change_is_refused(browser: Browser, change: dict[str, Any]) -> None:
    answer = browser.post(f"/api/sounds/{browser.sound(0.1)['id']}/changes", json=change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad-request")


def test_a_band_beyond_the_sound_is_refused(browser: Browser) -> None:
    change = {"kind": "band_stop", "low": 9000, "high": 9500}
    answer = browser.post(f"/api/sounds/{browser.sound(0.3)['id']}/changes", json=change)
    assert answer.status_code == 422 and "8000 Hz" in answer.json()["error"]["message"]
