"""The steps of the study."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from otoscope.methods.geometry import geometry
from otoscope.methods.strs import strs
from otoscope.models import load
from otoscope.studies.inputs import File
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.swam.trained import trained_steps
from otoscope.subject import Subject

WEIGHTS = File("tssdnet/inc_tssdnet_asvspoof2019_la.pth")


def plan(setting: Setting) -> list[Step]:
    """The steps, in the order of the paper."""
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
        *trained_steps(setting),
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
