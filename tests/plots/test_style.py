"""Figures for print: the width of a column, embedded fonts, text that is read, and nothing of it left behind."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import InputError
from otoscope.plots.drawing import make_axes, make_grid
from otoscope.plots.style import styled


@pytest.fixture(autouse=True)
def agg() -> Any:
    matplotlib.use("Agg")
    yield
    plt.close("all")


def spectra() -> xr.Dataset:
    values = np.random.default_rng(0).random((9, 20)) + 0.1
    coords = {"frequency": np.linspace(0, 4000, 9), "time": np.arange(20) / 100}
    return xr.Dataset({"strs": (("frequency", "time"), values)}, coords, {"method": "strs"})


def saved(figure: Figure, kind: str = "pdf") -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


def test_a_figure_for_print_embeds_its_fonts_and_keeps_its_width() -> None:
    figure = plots.plot(spectra(), style="paper").figure
    with matplotlib.rc_context({"savefig.bbox": "tight", "pdf.fonttype": 3}):  # as the user of it may have
        pdf = saved(figure)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    (width,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)
    assert float(width) / 72 * 25.4 == pytest.approx(86, abs=0.1)
    assert b"FontFile2" not in saved(plots.plot(spectra()).figure)


def test_two_columns_are_as_wide_as_a_page_and_none_is_wider() -> None:
    with styled("paper"):
        widths = [make_grid(1, n, height=1, width=3.4 * n)[0, 0].figure.get_figwidth() * 25.4 for n in (1, 2, 3)]
    assert widths == pytest.approx([86, 178, 178], abs=0.1)
    assert make_grid(1, 1, height=1, width=3 * 3.4)[0, 0].figure.get_figwidth() == pytest.approx(3 * 3.4)


def test_text_and_ticks_that_are_made_later_have_its_size_too(check_text: Any) -> None:
    with styled("paper"):
        ax = make_axes(None)
    ax.plot([0, 1], [0, 1])
    ax.set(xlabel="time (s)", ylabel="level (dB)")
    ax.set_yscale("symlog")
    check_text(ax.figure)
    sizes = {label.get_fontsize() for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]}
    assert sizes == {7.0} and ax.xaxis.label.get_fontsize() == 8
    assert ax.xaxis.label.get_fontfamily() == ["DejaVu Sans"]


def test_the_settings_of_the_user_are_as_before_also_after_an_error() -> None:
    before = dict(matplotlib.rcParams)
    saved(plots.plot(spectra(), style="paper").figure)
    with pytest.raises(InputError, match="no voice"), styled("paper"):
        plots.plot(spectra(), smoothing=xr.Dataset({"f0": ("frame_time", [np.nan])}))
    assert dict(matplotlib.rcParams) == before
    assert plots.plot(spectra()).figure.get_figwidth() == pytest.approx(3.4)


def test_a_picture_within_a_style_is_in_it_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    with styled("paper"):
        figure = plots.plot(spectra()).figure
    assert b"/FontFile2" in saved(figure)
    with pytest.raises(InputError, match="no style 'poster'; choose screen or paper"):
        plots.plot(spectra(), style="poster")  # type: ignore[arg-type]
