"""The STRS as a surface: a picture, and films that are small, quick, whole or not there, and grow with the sound."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.animation import FFMpegWriter
from matplotlib.figure import Figure
from PIL import Image

from otoscope.errors import InputError
from otoscope.methods.strs import strs
from otoscope.plots.style import StyleName, styled
from otoscope.plots.surface import animate, surface
from otoscope.subject import Subject


def spectra(frequencies: np.ndarray) -> xr.Dataset:
    values = np.random.default_rng(0).random((frequencies.size, 50)) + 0.01
    coords = {"frequency": frequencies, "time": np.arange(50) / 100}
    return xr.Dataset({"strs": (("frequency", "time"), values)}, coords, {"method": "strs"})


def pictures(path: Path) -> list[np.ndarray]:
    film, shown = Image.open(path), []
    for n in range(film.n_frames):
        film.seek(n)
        shown.append(np.asarray(film.convert("RGB"), dtype=int))
    return shown


@pytest.mark.parametrize("frequencies", [np.linspace(0, 8000, 65), 50 * 2 ** (np.arange(60) / 8)])
def test_the_surface_grows_from_picture_to_picture(tmp_path: Path, frequencies: np.ndarray) -> None:
    path = animate(spectra(frequencies), tmp_path / "film.gif", frames=4, duration=1)
    shown = pictures(path)
    assert len(shown) == 4
    coloured = [np.count_nonzero(np.ptp(one, axis=-1) > 60) for one in shown]  # grey is axes and text
    assert coloured[0] < coloured[1] < coloured[2] < coloured[3]
    assert [one.name for one in tmp_path.iterdir()] == ["film.gif"]


def test_a_second_of_sound_is_a_small_film_soon_made(tmp_path: Path) -> None:
    subject = Subject("vowel-name")
    wave = torch.randn(subject.sample_rate, generator=torch.Generator().manual_seed(0))
    start = time.process_time()
    path = animate(strs(subject, wave), tmp_path / "film.gif")
    assert time.process_time() - start < 15
    assert path.stat().st_size < 3_000_000
    film = Image.open(path)
    assert film.n_frames == 36 and film.info["duration"] * film.n_frames == pytest.approx(4000, rel=0.05)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("film.avi", {}, r"\.gif or an \.mp4"),
        ("nowhere/film.gif", {}, "does not exist"),
        ("film.gif", {"frames": 1}, "two frames"),
        ("film.gif", {"duration": 0.0}, "positive length"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        animate(spectra(np.linspace(0, 8000, 65)), tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_silence_is_a_flat_surface_and_one_frame_none(tmp_path: Path) -> None:
    silence = 0 * spectra(np.linspace(0, 8000, 65))
    assert animate(silence, tmp_path / "film.gif", frames=2).is_file()
    with pytest.raises(InputError, match="two times"):
        animate(silence.isel(time=slice(1)), tmp_path / "film.gif")


def test_without_ffmpeg_an_mp4_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(InputError, match=r"ffmpeg is not installed; write a \.gif"):
        animate(spectra(np.linspace(0, 8000, 65)), tmp_path / "film.mp4")


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="ffmpeg is not installed")
def test_with_ffmpeg_an_mp4_is_written(tmp_path: Path) -> None:
    path = animate(spectra(np.linspace(0, 8000, 65)), tmp_path / "film.mp4", frames=3, duration=1)
    assert path.read_bytes()[4:8] == b"ftyp"


def test_an_interrupted_film_leaves_nothing_and_spares_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "film.gif").write_bytes(b"earlier")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("otoscope.files.os.replace", fail)
    with pytest.raises(InputError, match="No space left"):
        animate(spectra(np.linspace(0, 8000, 65)), tmp_path / "film.gif", frames=2)
    assert [one.name for one in tmp_path.iterdir()] == ["film.gif"]
    assert (tmp_path / "film.gif").read_bytes() == b"earlier"


@pytest.mark.parametrize("frequencies", [np.linspace(0, 8000, 65), 50 * 2 ** (np.arange(60) / 8)])
def test_the_picture_is_the_whole_surface_with_units(frequencies: np.ndarray) -> None:
    for given in (None, Figure().add_subplot(projection="3d")):
        ax = surface(spectra(frequencies), given)
        assert given is None or ax is given
        labels = (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel())
        assert labels == ("time (s)", "frequency (kHz)", "level (dB re peak)")
        np.testing.assert_allclose(ax.get_xlim(), (0, 0.49), atol=0.01)
        assert len(ax.collections) == 1


def test_flat_axes_are_refused() -> None:
    with pytest.raises(InputError, match='projection="3d"'):
        surface(spectra(np.linspace(0, 8000, 65)), Figure().subplots())


@pytest.mark.parametrize("style", ["paper", "screen"])
def test_the_labels_of_a_static_surface_are_within_its_figure(style: StyleName) -> None:
    with styled(style):
        ax = surface(spectra(np.linspace(0, 8000, 65)))
    ax.figure.draw_without_rendering()
    page = ax.figure.bbox
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        box = axis.label.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
