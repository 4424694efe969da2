"""The steps of the study."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from otoscope.methods.geometry import geometry
from otoscope.methods.strs import strs
from otoscope.models import load
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.swam.looks import kernels_to_draw
from otoscope.studies.swam.pooling import pooling_steps
from otoscope.studies.swam.residual import residual_steps, residual_trainings
from otoscope.studies.swam.spoofing import WEIGHTS, spoofing_steps
from otoscope.studies.swam.trained import trained_steps
from otoscope.subject import Subject


def plan(setting: Setting) -> list[Step]:
    """The steps, those that take longest last."""
    residual = residual_trainings(setting)
    return [
        Step("fourier", fourier, {"draws": 20, "width": 64, "seed": 0}, part="response", seconds=1),
        Step(
            "published_geometry",
            published_geometry,
            {"model": "inc-tssdnet"},
            inputs=(WEIGHTS,),
            part="published",
            seconds=3,
            command=f"otoscope geometry inc-tssdnet --weights DATA/{WEIGHTS.place}",
        ),
        Step(
            "published_kernels",
            published_kernels,
            {"model": "inc-tssdnet"},
            inputs=(WEIGHTS,),
            part="geometry",
            seconds=1,
            command=f"otoscope wigner inc-tssdnet --weights DATA/{WEIGHTS.place}",
        ),
        *residual_steps(residual),
        *spoofing_steps(setting, residual),
        *trained_steps(setting),
        *pooling_steps(setting),
    ]


def fourier(work: Work) -> Outcome:
    """The STRS of an orthonormal DFT basis, cosines and sines, against the spectrum of each frame."""
    width, draws = work.arguments["width"], work.arguments["draws"]
    generator = torch.Generator().manual_seed(work.arguments["seed"])
    layer = nn.Conv1d(1, width, width, stride=width // 2, bias=False)
    layer.weight.data.copy_(_fourier_basis(width)[:, None])
    subject = Subject(layer.eval(), sample_rate=16_000, name="fourier")
    rows: list[Row] = []
    for draw in range(draws):
        wave = torch.randn(20 * width, generator=generator)
        found = strs(subject, wave, n_fft=width)["strs"]
        around = nn.functional.pad(wave, (width // 2, width // 2))  # frames are centred, also those at the ends
        frames = around.unfold(0, width, width // 2).numpy()
        spectrum = np.abs(np.fft.rfft(frames)).T
        ours = found.transpose("frequency", "time").values
        spectrum = spectrum[:, : ours.shape[1]]
        rows.append({"draw": draw, "error": float(np.abs(ours - spectrum).max() / spectrum.max())})
    return Outcome(rows)


def _fourier_basis(width: int) -> torch.Tensor:
    """Rows of cosines and sines of the frequencies of a DFT, orthonormal, (atom, tap)."""
    time = torch.arange(width, dtype=torch.double)
    rows: list[torch.Tensor] = []
    for k in range(width // 2 + 1):
        angle = 2 * torch.pi * k * time / width
        rows.append(torch.cos(angle))
        if 0 < k < width / 2:
            rows.append(torch.sin(angle))
    return nn.functional.normalize(torch.stack(rows), dim=1).float()


def published_geometry(work: Work) -> Outcome:
    """The geometry of every layer of the network whose weights its authors published."""
    found = geometry(Subject(load(work.arguments["model"], weights=work.file())))
    names = ("A", "B", "beta_min", "beta_avg", "mu", "mu_avg", "mu_mse")
    rows: list[Row] = [
        {"layer": str(layer), **{name: float(found[name][number]) for name in names}}
        for number, layer in enumerate(found["layer"].values)
    ]
    return Outcome(rows)


def published_kernels(work: Work) -> Outcome:
    """The kernels of its first layer, of 7 samples, to be drawn."""
    subject = Subject(load(work.arguments["model"], weights=work.file()))
    return Outcome([{"model": work.arguments["model"]}], {"kernels": kernels_to_draw(subject)})
