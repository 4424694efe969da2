"""Sounds on their way in: what is hostile is refused with a reason, and costs little."""

from __future__ import annotations

import http.client
import io
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from served import Browser, Served, wav

MB = 1_000_000


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def encoded(samples: np.ndarray, rate: int, **how: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **how)
    return file.getvalue()


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_a_sound_is_kept_as_it_is(browser: Browser) -> None:
    sound = browser.sound(0.5, 44_100, "tone.wav")
    assert {key: sound[key] for key in ("name", "duration", "sample_rate", "channels", "from")} == {
        "name": "tone.wav", "duration": 0.5, "sample_rate": 44_100, "channels": 1, "from": None,
    }  # fmt: skip
    kept, rate = soundfile.read(io.BytesIO(browser.get(f"/api/sounds/{sound['id']}/file.wav").content), dtype="float32")
    sent, _ = soundfile.read(io.BytesIO(wav(0.5, 44_100)), dtype="float32")
    assert rate == 44_100 and np.array_equal(kept, sent)


def test_the_answer_is_that_of_the_command(browser: Browser, tmp_path: Path) -> None:
    """The same numbers as in Python, by way of the file that the server keeps."""
    from otoscope import Scope

    (tmp_path / "tone.wav").write_bytes(wav(0.7, 44_100))
    here = Scope("vowel-name").relevance(tmp_path / "tone.wav")
    job = browser.answered(kind="answer", sound=browser.sound(0.7, 44_100)["id"])
    assert job["answer"]["classes"][0] == str(here["class_name"].item())
    assert job["answer"]["logits"][0] == pytest.approx(float(here["logit"]), rel=1e-3)


@pytest.mark.parametrize(("kind", "subtype"), [("FLAC", None), ("OGG", "VORBIS"), ("AIFF", None), ("WAV", "FLOAT")])
def test_usual_formats_are_read(browser: Browser, kind: str, subtype: str | None) -> None:
    samples = 0.3 * np.sin(np.arange(8000) / 7).astype("f4")
    content = encoded(np.stack([samples, samples], 1), 16_000, format=kind, subtype=subtype)
    answer = browser.upload(content, f"x.{kind.lower()}")
    assert answer.status_code == 201 and answer.json()["sound"]["channels"] == 2


HOSTILE = {
    "nothing": b"",
    "text": b"hello" * 100,
    "html": b"<script>alert(1)</script>",
    "zip": b"PK\x03\x04" + bytes(5000),
    "random": np.random.default_rng(0).bytes(50_000),
    "cut wav": wav()[:1000],
    "half a header": wav()[:30],
    "flac without frames": b"fLaC" + bytes(100),
    "ogg page": b"OggS" + bytes(200),
    "mp3 sync": b"\xff\xfb" + bytes(3),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_sound_is_refused_with_a_reason(browser: Browser, content: bytes) -> None:
    status, code, message = refusal(browser.upload(content, "what.wav"))
    assert (status, code) == (422, "not-audio") and "what.wav" in message and "/tmp" not in message
    assert browser.get("/api/state").status_code == 200


def test_a_header_that_lies_is_found_out(browser: Browser) -> None:
    """Of a length, a rate and a number of channels beyond what the file holds."""
    whole = bytearray(wav())
    longer, faster, wider = bytearray(whole), bytearray(whole), bytearray(whole)
    longer[40:44] = struct.pack("<I", 2**30)
    faster[24:28] = struct.pack("<I", 2**31 - 1)
    wider[22:24], wider[32:34] = struct.pack("<H", 1024), struct.pack("<H", 2048)
    for content in (longer, faster, wider):
        answer = browser.upload(bytes(content), "liar.wav")
        assert answer.status_code in (413, 422) and "liar.wav" in answer.text, answer.text


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
def test_a_rate_that_no_sound_has_is_refused(browser: Browser, rate: int) -> None:
    content = bytearray(wav(0.2))
    content[24:28] = struct.pack("<I", rate)
    status, code, message = refusal(browser.upload(bytes(content), "odd.wav"))
    assert (status, code) == (422, "not-audio") and f"odd.wav says {rate} Hz" in message


def test_a_sound_is_named_and_not_where_it_lies(browser: Browser) -> None:
    content = encoded(np.ones(1, "f4"), 768_000, format="WAV", subtype="FLOAT")
    sound = browser.upload(content, "short.wav").json()["sound"]
    error = browser.answered(sound=sound["id"])["error"]
    assert error["message"].startswith("short.wav ") and "otoscope-serve" not in error["message"]


def test_a_long_sound_is_refused_by_its_header(browser: Browser) -> None:
    content = encoded(np.zeros(61 * 8000, "i2"), 8000, format="FLAC")
    status, code, message = refusal(browser.upload(content, "long.flac"))
    assert (status, code) == (413, "too-long") and "61 s" in message and "60 s" in message


def test_a_bomb_does_not_go_off(served: Served, browser: Browser) -> None:
    """An hour of silence in a few kB: refused by its header, and if the header is made to lie, by what is decoded."""
    bomb = encoded(np.zeros(3600 * 16_000, "i2"), 16_000, format="FLAC")
    assert len(bomb) < MB
    assert refusal(browser.upload(bomb, "bomb.flac"))[1] == "too-long"
    info = bytearray(bomb)  # STREAMINFO: the number of samples is in its last 36 bits before the MD5
    info[4 + 4 + 13] &= 0xF0
    info[4 + 4 + 14 : 4 + 4 + 18] = (1000).to_bytes(4, "big")
    before = resident(served.process.pid)
    answer = browser.upload(bytes(info), "bomb.flac")
    assert answer.status_code in (201, 413, 422)
    if answer.status_code == 201:  # no more is kept than the header says
        assert answer.json()["sound"]["duration"] <= 60
    assert resident(served.process.pid) - before < 50 * MB


def test_two_gigabytes_are_refused_and_not_read(served: Served, browser: Browser) -> None:
    before, began = resident(served.process.pid), time.monotonic()
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while read < 2_000 * MB:
            read += MB
            yield bytes(MB)

    told = browser.upload(endless(), "huge.wav", headers={"Content-Length": str(2_000 * MB)})
    assert refusal(told)[:2] == (413, "too-large") and read < 20 * MB
    read = 0
    untold = browser.upload(endless(), "huge.wav")  # in chunks, without saying how much
    assert refusal(untold)[:2] == (413, "too-large") and read < 100 * MB
    assert resident(served.process.pid) - before < 50 * MB and time.monotonic() - began < 20


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\x.wav", "a\x00b.wav", "x" * 5000, "", "a\nb", "‮gpj.wav"])
def test_a_name_is_a_name_and_no_path(browser: Browser, name: str) -> None:
    answer = browser.upload(wav(0.2), name)
    assert answer.status_code == 201
    kept = answer.json()["sound"]["name"]
    assert 0 < len(kept) <= 120 and not set(kept) & set("/\\\0\n‮")


def test_a_sound_of_nan_is_refused(browser: Browser) -> None:
    content = encoded(np.full(800, np.nan, "f4"), 8000, format="WAV", subtype="FLOAT")
    assert "NaN" in refusal(browser.upload(content, "nan.wav"))[2]


def test_old_sounds_make_room(browser: Browser) -> None:
    first = browser.sound(0.05)
    for _ in range(32):
        last = browser.sound(0.05)
    state = browser.get("/api/state").json()
    assert len(state["sounds"]) == state["limits"]["sounds"] == 32
    assert browser.get(f"/api/sounds/{first['id']}/file.wav").status_code == 404
    assert browser.get(f"/api/sounds/{last['id']}/file.wav").status_code == 200
    assert browser.delete(f"/api/sounds/{last['id']}").status_code == 204
    assert browser.get(f"/api/sounds/{last['id']}/file.wav").status_code == 404


def test_who_sends_slowly_holds_up_nobody(served: Served, open_browser: Callable[[], Browser]) -> None:
    """Heads that never end, and a body that never comes: others are answered meanwhile, and heads are given up."""
    browser = open_browser()
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(100)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    body = http.client.HTTPConnection("127.0.0.1", served.port)
    body.putrequest("POST", "/api/sounds?name=x.wav")
    body.putheader("Content-Length", "1000")
    body.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
    body.endheaders()
    began = time.monotonic()
    assert browser.sound(0.2)["id"] and time.monotonic() - began < 8
    for one in slow:
        one.settimeout(15)
        assert one.recv(100) == b""  # closed
    body.close()


def test_who_opens_hundreds_of_connections_keeps_nobody_out(
    served: Served, open_browser: Callable[[], Browser]
) -> None:
    browser = open_browser()
    opened = []
    try:
        for _ in range(600):  # more than there may be at once
            opened.append(socket.create_connection(("127.0.0.1", served.port)))
            opened[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert browser.get("/api/state").status_code == 200
        assert open_browser().sound(0.1)["id"]
    finally:
        for one in opened:
            one.close()
