"""The plan of the study, and the step that needs no training."""

from __future__ import annotations

import math

import numpy as np
import torch

from otoscope.data.items import Item
from otoscope.methods.relevance import relevance
from otoscope.models import load
from otoscope.studies.inputs import Sounds
from otoscope.studies.relevance.measured import trained_steps
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.subject import Subject


def plan(setting: Setting) -> list[Step]:
    """The steps, in the order of the paper."""
    return [
        Step(
            "spectrum",
            spectrum,
            {"model": "vowel-name", "clips": 5 if setting.quick else 20, "bins": 10, "step": 1e-3, "seed": 0},
            inputs=(Sounds("vowels"),),
            part="signal",
            seconds=10,
            command="otoscope relevance vowel-name CLIP --rule gradient",
        ),
        *trained_steps(setting),
    ]


def spectrum(work: Work) -> Outcome:
    """The spectral relevance of a logit against how the logit changes with bins of the sound's DFT.

    A bin and its conjugate are moved together, by a small real and by a small imaginary number, there and back. The
    changes are twice the real part of g and minus twice its imaginary part, whose magnitude is the `g` of a relevance.
    Networks are piecewise linear: the precision is double, so that the step may be small.
    """
    given = work.arguments
    model = load(given["model"]).double()
    subject = Subject(model)
    rng = np.random.default_rng(given["seed"])
    rows: list[Row] = []
    items = work.sounds().items
    chosen = rng.choice(len(items), given["clips"], replace=False)
    for number in map(int, chosen):
        wave = _samples(items[number], subject)
        target = int(_logits(subject, wave).argmax())
        found = relevance(subject, wave, target=target, rule="gradient")["g"]
        length = len(wave)
        bins = rng.integers(1, min(length // 2, found.size - 1), given["bins"])
        ours = np.abs(found.values.ravel()[bins])
        time = torch.arange(length, dtype=torch.double)
        measured = []
        for k in map(int, bins):
            angle = 2 * torch.pi * k * time / length
            ways = (2 / length * angle.cos(), -2 / length * angle.sin())
            parts = [_change(subject, wave, way, target, given["step"]) for way in ways]
            measured.append(math.hypot(*parts) / 2)
        error = float(np.abs(ours - np.array(measured)).max() / np.abs(found.values).max())
        rows.append({"clip": items[number].name, "error": error})
    return Outcome(rows)


def _samples(item: Item, subject: Subject) -> torch.Tensor:
    return torch.as_tensor(np.array(item.sound.values, dtype=np.float64)).flatten()  # type: ignore[union-attr]


def _change(subject: Subject, wave: torch.Tensor, way: torch.Tensor, target: int, step: float) -> float:
    """The derivative of a logit along a direction, by central differences."""
    there, back = (float(_logits(subject, wave + sign * step * way)[target]) for sign in (1, -1))
    return (there - back) / (2 * step)


def _logits(subject: Subject, wave: torch.Tensor) -> torch.Tensor:
    """Those of one sound, (class,), in the precision of the network: a sound that is handed over becomes single."""
    with torch.no_grad():
        found: torch.Tensor = subject.network(wave[None, None])[0]
    return found
