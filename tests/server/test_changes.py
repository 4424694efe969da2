"""Sounds that are changed: new ones, of which the old one stays as it was."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import soundfile

from otoscope.server.ask import Change
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


@pytest.mark.parametrize(
    "change",
    [{"kind": "gap", "start": 5, "stop": 6}, {"kind": "gap", "start": 0.3, "stop": 1},
     {"kind": "band_stop", "low": 8000, "high": 9e8}],
)  # fmt: skip
def test_what_lies_outside_of_the_sound_is_no_change(browser: Browser, change: dict[str, Any]) -> None:
    sound = browser.sound(0.3)
    answer = browser.post(f"/api/sounds/{sound['id']}/changes", json=change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unfit")
    assert "0.3 s" in answer.json()["error"]["message"] or "8000 Hz" in answer.json()["error"]["message"]
    assert [one["id"] for one in browser.get("/api/sounds").json()["sounds"]] == [sound["id"]]


@pytest.mark.parametrize(
    ("given", "done", "name"),
    [({"kind": "gap", "start": 0.25, "stop": 1e8}, {"kind": "gap", "start": 0.25, "stop": 0.5}, "0.25 to 0.5 s"),
     ({"kind": "band_stop", "low": 300.0, "high": 9e8}, {"kind": "band_stop", "low": 300.0, "high": 8000.0},
      "without 300 to 8,000 Hz")],
)  # fmt: skip
def test_the_name_of_a_change_tells_what_was_done(
    browser: Browser, given: dict[str, Any], done: dict[str, Any], name: str
) -> None:
    sound = browser.sound(0.5)
    made = browser.post(f"/api/sounds/{sound['id']}/changes", json=given).json()["sound"]
    assert made["from"]["change"] == done and name in made["name"]


@pytest.mark.parametrize(
    ("change", "words"),
    [(Change("gap", (0.0, 1.3e-4)), "silent from 0 to 0.00013 s"), (Change("gap", (61.25, 61.2504)), "to 61.2504 s"),
     (Change("band_stop", (440.0, 440.4)), "without 440 to 440.4 Hz"),
     (Change("band_stop", (123456.0, 384000.0)), "without 123,456 to 384,000 Hz"), (Change("f0", (1.0002,)), "1.0002")],
)  # fmt: skip
def test_names_have_the_digits_that_count(change: Change, words: str) -> None:
    assert words in change.words()


def test_a_sound_that_is_being_changed_is_not_deleted(open_browser: Callable[[], Browser]) -> None:
    pytest.importorskip("parselmouth")
    browser = open_browser()
    sound = browser.post("/api/examples/e1").json()["sound"]
    place = f"/api/sounds/{sound['id']}"
    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(browser.post, f"{place}/changes", json={"kind": "f0", "factor": 1.3}) for _ in range(3)]
        while not any(one.running() for one in changes):
            time.sleep(0.001)
        dropped = [browser.delete(place).status_code for _ in range(40)]
        made = [one.result().status_code for one in changes]
    # A change that comes after the sound has gone finds none; one that has begun is finished.
    assert set(made) <= {201, 404} and set(dropped) <= {409, 204, 404} and 500 not in made
    assert 409 in dropped or 404 in made
