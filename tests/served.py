"""A real server in a process of its own, and browsers that know its address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

START = "from otoscope.cli import main; main()"
FINAL = ("done", "failed", "cancelled")


class Served:
    """A server that answers.

    Attributes
    ----------
    url : str
        The address that it printed.
    base : str
        The same without the token.
    """

    def __init__(self, *arguments: str, limits: str = "", environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-c", f"{limits}; {START}" if limits else START, "serve", *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | (environment or {}),
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.base = self.url.split("?")[0].rstrip("/")

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, float]:
        """Send a signal: exit status, what was printed to standard error, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err, time.monotonic() - began

    def children(self) -> list[int]:
        """The processes that it started, and theirs."""
        found, new = [], [self.process.pid]
        while new:
            here = " ".join(Path(f"/proc/{one}/task/{one}/children").read_text() for one in new if _lives(one))
            new = [int(one) for one in here.split()]
            found += new
        return found


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class Browser(httpx.Client):
    """A session with a server."""

    def __init__(self, served: Served) -> None:
        super().__init__(base_url=served.base, timeout=60)
        assert self.get(served.url).status_code == 200

    def sound(self, seconds: float = 1.0, rate: int = 16_000, name: str = "tone.wav") -> dict[str, Any]:
        return self.upload(wav(seconds, rate), name).json()["sound"]

    def upload(self, content: Any, name: str = "tone.wav", **more: Any) -> httpx.Response:
        return self.post("/api/sounds", params={"name": name}, content=content, **more)

    def ask(self, **ask: Any) -> dict[str, Any]:
        answer = self.post("/api/jobs", json={"kind": "relevance", "model": "m1"} | ask)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()["job"]
        return job

    def wait(self, job: dict[str, Any], patience: float = 60.0) -> dict[str, Any]:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            job = self.get(f"/api/jobs/{job['id']}").json()["job"]
            if job["state"] in FINAL:
                return job
            time.sleep(0.02)
        pytest.fail(f"not done: {job}")

    def answered(self, **ask: Any) -> dict[str, Any]:
        return self.wait(self.ask(**ask))


def wav(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    """Two sines in noise, as a file."""
    import io

    time_ = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal(time_.size)
    wave = 0.4 * np.sin(2 * np.pi * 440 * time_) + 0.2 * np.sin(2 * np.pi * 1500 * time_) + 0.05 * noise
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
