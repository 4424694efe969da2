"""What a server says where one of its programs fails, and to whom."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from otoscope.scope import Scope
from otoscope.server.answering import _heard, _says
from otoscope.server.house import House
from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal
from otoscope.server.sessions import Session
from otoscope.server.sound_worker import _check_size
from otoscope.server.tasks import Decode
from otoscope.server.workers import Failed


class Ears:
    """A program that reads sounds, and ends each task like this."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def do(self, task: Any, patience: float) -> Any:
        raise self._error

    async def close(self) -> None:
        pass


def heard(error: Exception) -> tuple[Refusal, list[str]]:
    """What a client is told, and what only whoever started the server reads."""
    logged: list[str] = []

    async def send() -> Refusal:
        house = House({}, Limits(), log=logged.append)
        house.ears = Ears(error)  # type: ignore[assignment]
        session: Session = Session("a", Limits())
        task = Decode(house.folder / "a.sent", "horn.wav", house.folder / "a.wav")
        try:
            with pytest.raises(Refusal) as refused:
                await house.hear(session, task, "horn.wav")
        finally:
            await house.close()
        return refused.value

    return asyncio.run(send()), logged


def test_a_fault_of_the_server_is_not_blamed_on_the_sound() -> None:
    refusal, _ = heard(Failed("ZeroDivisionError: division by zero"))
    assert (refusal.status, refusal.code) == (500, "fault")
    assert "horn.wav" in refusal.message and "ZeroDivisionError: division by zero" in refusal.message


def test_only_who_started_the_server_is_told_of_its_options() -> None:
    with pytest.raises(Refusal) as refused:
        _check_size("horn.wav", 61 * 8000, 8000, 1, Limits())
    refusal, logged = heard(refused.value)
    assert (refusal.status, refusal.code) == (413, "too-long")
    assert "61 s" in refusal.message and "at most 60 s" in refusal.message and "--" not in refusal.message
    (line,) = logged
    assert "horn.wav" in line and "--max-duration" in line


def test_a_sound_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from otoscope.server import sound_worker

    def full(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(sound_worker, "confine", lambda _: None)
    monkeypatch.setattr(sound_worker, "_warm_up", lambda: None)
    monkeypatch.setattr(sound_worker, "audio_length", full)
    do, _ = sound_worker._begin(Limits())
    with pytest.raises(Refusal, match=r"horn.wav takes more memory") as refused:
        do(Decode(tmp_path / "a.sent", "horn.wav", tmp_path / "a.wav"), lambda *_: None)
    assert refused.value.status == 422


def test_why_a_model_has_no_classes_is_said_in_a_few_words() -> None:
    scope = Scope(torch.nn.Conv1d(1, 1, 5, padding=2), sample_rate=8000, layout="(batch, 1, time)")
    clip = scope.clip(np.random.default_rng(0).standard_normal(8000).astype("f4"))
    assert _says(scope, clip)[1]["reason"] == "its output is a waveform"
    assert _heard(scope, clip).no_answer == "its output is a waveform"
