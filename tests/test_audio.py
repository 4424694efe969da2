"""Reading and writing sound: every kind of good file, every kind of bad one, and real recordings."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
import xarray as xr

from otoscope.audio import as_clip, audio_duration, load_audio, load_piece, stream_audio, write_audio
from otoscope.errors import InputError
from otoscope.flac import samples_in_frames


def noise(frames: int, channels: int = 1) -> np.ndarray:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)
    return samples[:, 0] if channels == 1 else samples


def recordings() -> list[Path]:
    """A few real recordings: ogg at 44.1 kHz and spoken digits."""
    folder = os.environ.get("OTOSCOPE_DATA")
    found = sorted(Path(folder).glob("esc10/*/*.ogg"))[::80] if folder else []
    found += sorted(Path(folder).rglob("*.wav"))[::1000] if folder else []
    if not found:
        pytest.skip("needs recordings; set OTOSCOPE_DATA")
    return found


# Good files


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "channels", "error"),
    [
        ("wav", "PCM_16", 16000, 1, 2**-15),
        ("wav", "PCM_U8", 8000, 1, 2**-6),
        ("wav", "PCM_24", 48000, 2, 2**-22),
        ("wav", "PCM_32", 16000, 1, 2**-22),
        ("wav", "FLOAT", 22050, 1, 0),
        ("wav", "DOUBLE", 22050, 1, 0),
        ("wav", "PCM_16", 16000, 8, 2**-15),
        ("wav", "PCM_16", 96000, 1, 2**-15),
        ("flac", "PCM_24", 44100, 2, 2**-22),
        ("aiff", "PCM_16", 11025, 1, 2**-15),
        ("w64", "PCM_16", 16000, 1, 2**-15),
        ("rf64", "PCM_16", 16000, 1, 2**-15),
    ],
)
def test_formats_depths_and_channels(tmp_path, suffix, subtype, rate, channels, error) -> None:
    path, samples = tmp_path / f"clip.{suffix}", noise(1000, channels)
    soundfile.write(path, samples, rate, subtype=subtype)
    wave = load_audio(path)
    assert wave.dims == ("time",)
    assert wave.dtype == np.float32
    np.testing.assert_allclose(wave, samples.reshape(1000, -1).mean(1), atol=error + 1e-7)
    np.testing.assert_allclose(wave.time, np.arange(1000) / rate)
    assert wave.time.attrs["units"] == "s"
    assert wave.attrs["original_subtype"] == subtype
    assert wave.attrs["original_channels"] == channels
    assert wave.attrs["note"] == ("" if channels == 1 else f"mixed down from {channels} channels")


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats(tmp_path, suffix: str) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / f"clip.{suffix}", tone, 44100)
    wave = load_audio(tmp_path / f"clip.{suffix}", 16000)
    assert abs(wave.sizes["time"] - 16000) <= 2
    assert np.fft.rfftfreq(len(wave), 1 / 16000)[np.abs(np.fft.rfft(wave)).argmax()] == pytest.approx(440, abs=1)


def test_attributes_say_where_the_sound_came_from(tmp_path) -> None:
    path = tmp_path / "eight.wav"
    soundfile.write(path, noise(9600, 8), 96000)
    wave = load_audio(path, 16000)
    assert wave.attrs == {
        "units": "1",
        "long_name": "amplitude",
        "name": "eight.wav",
        "path": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "sample_rate": 16000,
        "original_sample_rate": 96000,
        "original_samples": 9600,
        "original_channels": 8,
        "original_subtype": "PCM_16",
        "note": "mixed down from 8 channels; resampled from 96000 to 16000 Hz",
    }
    assert {type(value) for value in wave.attrs.values()} == {str, int}  # what netCDF can hold


def test_channels_can_be_kept(tmp_path) -> None:
    samples = noise(500, 3)
    soundfile.write(tmp_path / "three.wav", samples, 16000, subtype="FLOAT")
    wave = load_audio(tmp_path / "three.wav", mono=False)
    assert wave.dims == ("channel", "time")
    np.testing.assert_array_equal(wave, samples.T)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 96000])
def test_resampling_is_that_of_soxr_on_the_whole(tmp_path, rate: int) -> None:
    samples = noise(60000)
    soundfile.write(tmp_path / "clip.wav", samples, 44100, subtype="FLOAT")
    wave = load_audio(tmp_path / "clip.wav", rate)
    np.testing.assert_allclose(wave, soxr.resample(samples, 44100, rate), atol=1e-6)


@pytest.mark.parametrize("rate", [None, 16000, 44100])
@pytest.mark.parametrize("seconds", [0.001, 0.37, 100])
def test_stream_gives_the_samples_of_load(tmp_path, rate: int | None, seconds: float) -> None:
    soundfile.write(tmp_path / "clip.wav", noise(24000, 2), 48000)
    blocks = list(stream_audio(tmp_path / "clip.wav", rate, block_duration=seconds))
    assert all(block.ndim == 1 and block.dtype == np.float32 for block in blocks)
    np.testing.assert_allclose(np.concatenate(blocks), load_audio(tmp_path / "clip.wav", rate), atol=1e-6)


def test_stream_is_lazy(tmp_path) -> None:
    """The first block is there before a fault at the end is met."""
    samples = noise(32000)
    samples[-1] = np.nan
    soundfile.write(tmp_path / "clip.wav", samples, 16000, subtype="FLOAT")
    blocks = stream_audio(tmp_path / "clip.wav", block_duration=0.5)
    assert len(next(blocks)) == 8000
    with pytest.raises(InputError, match="NaN"):
        list(blocks)


def test_stream_memory_is_flat(tmp_path) -> None:
    """Eight minutes behind one take little more memory than the one."""
    code = (
        "import sys, resource; from otoscope.audio import stream_audio\n"
        "for path in sys.argv[1:]:\n"
        "    sum(len(block) for block in stream_audio(path, 16000))\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    paths = [tmp_path / f"{minutes}.wav" for minutes in (1, 8)]
    for path in paths:
        soundfile.write(path, np.zeros((int(path.stem) * 60 * 22050, 2), np.int16), 22050)
    run = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    first, second = map(int, run.stdout.split())
    whole_kib = 8 * 60 * 22050 * 2 * 4 / 1024
    assert second - first < 0.2 * whole_kib


def test_real_recordings() -> None:
    for path in recordings():
        wave = load_audio(path, 16000)
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        np.testing.assert_allclose(wave, soxr.resample(samples.mean(1), rate, 16000), atol=1e-5)
        assert 0 < np.abs(wave).max() < 1.5
        assert wave.attrs["original_sample_rate"] == rate


def test_wav_written_to_a_pipe(tmp_path) -> None:
    """Recorders that cannot seek leave the greatest length in the header; that is no truncation."""
    for size in (0xFFFFFFFF, 0x7FFFFFFF - 36):
        sound = (noise(800) * 32767).astype("<i2").tobytes()
        layout = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
        header = b"RIFF" + struct.pack("<I", size) + layout + b"data" + struct.pack("<I", size)
        (tmp_path / "pipe.wav").write_bytes(header + sound)
        assert load_audio(tmp_path / "pipe.wav").sizes["time"] == 800


# Bad files


def test_missing_file_and_folder(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no such audio file: .*nothing\.wav"):
        load_audio(tmp_path / "nothing.wav")
    with pytest.raises(InputError, match="is a folder"):
        load_audio(tmp_path)
    with pytest.raises(InputError, match="no such audio file"):
        stream_audio(tmp_path / "nothing.wav")
    (tmp_path / "link.wav").symlink_to("moved.wav")
    with pytest.raises(InputError, match=r"link\.wav \(it is a link to moved\.wav, which does not exist\)"):
        load_audio(tmp_path / "link.wav")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", "0 bytes"),
        ("text.wav", b"It was a dark and stormy night.\n" * 99, "cannot read .*text.wav as audio"),
        ("zeros.flac", bytes(5000), "cannot read .*zeros.flac as audio"),
        ("page.ogg", b"OggS" + bytes(500), "page.ogg"),
        ("headerless.raw", bytes(500), "cannot read .*headerless.raw as audio"),
        ("note.txt", b"hello", "cannot read .*note.txt as audio"),
    ],
)
def test_what_is_not_audio(tmp_path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_audio(tmp_path / name)


def test_no_samples(tmp_path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16000)
    with pytest.raises(InputError, match=r"none\.wav holds no samples"):
        load_audio(tmp_path / "none.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(tmp_path, value: float) -> None:
    samples = noise(16000, 2)
    samples[8000, 1] = value
    soundfile.write(tmp_path / "bad.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"bad\.wav holds NaN or infinite samples, the first at 0\.500 s"):
        load_audio(tmp_path / "bad.wav", 8000)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "w64", "rf64", "au", "caf", "mp3"])
def test_truncated_files(tmp_path, suffix: str, part: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise(100_000), 16000)
    whole = path.read_bytes()
    assert abs(load_audio(path).sizes["time"] - 100_000) <= 2304
    path.write_bytes(whole[: int(part * len(whole))])
    if suffix == "mp3" and part > 0.99:
        pytest.skip("less than the last frames of an MP3")
    with pytest.raises(InputError, match=rf"cut\.{suffix}"):
        load_audio(path)
    with pytest.raises(InputError, match=rf"cut\.{suffix}"):
        list(stream_audio(path))


def test_ogg_cut_between_two_pages(tmp_path) -> None:
    path = tmp_path / "cut.ogg"
    soundfile.write(path, noise(200_000), 16000)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rfind(b"OggS")])
    with pytest.raises(InputError, match=r"cut\.ogg is truncated"):
        load_audio(path)


def test_corrupt_flac(tmp_path) -> None:
    path = tmp_path / "bad.flac"
    soundfile.write(path, noise(100_000), 16000)
    content = bytearray(path.read_bytes())
    content[50_000:60_000] = bytes(10_000)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.flac is corrupt or truncated"):
        load_audio(path)


def test_flac_of_untold_length(tmp_path) -> None:
    path = tmp_path / "pipe.flac"
    soundfile.write(path, noise(10_000), 16000)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of total samples in STREAMINFO
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(InputError, match="has no length"):
        load_audio(path)


@pytest.mark.parametrize("rate", [0, -16000, 16000.5, float("nan"), float("inf"), "16000", True])
def test_sample_rates_that_cannot_be(tmp_path, rate) -> None:
    soundfile.write(tmp_path / "clip.wav", noise(100), 16000)
    for call in (
        lambda: load_audio(tmp_path / "clip.wav", rate),
        lambda: stream_audio(tmp_path / "clip.wav", rate),
        lambda: write_audio(tmp_path / "out.wav", noise(10), rate),
        lambda: as_clip(noise(10), rate),
    ):
        with pytest.raises(InputError, match="sample_rate must be a positive whole number"):
            call()


def test_too_short_to_resample_and_bad_block(tmp_path) -> None:
    soundfile.write(tmp_path / "clip.wav", noise(1), 96000)
    with pytest.raises(InputError, match="too short"):
        load_audio(tmp_path / "clip.wav", 8000)
    with pytest.raises(InputError, match="block_duration"):
        stream_audio(tmp_path / "clip.wav", block_duration=0)


# Writing


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_written_files_read_back(tmp_path, suffix: str, channels: int) -> None:
    samples = noise(100_000, channels).T
    write_audio(tmp_path / f"clip.{suffix}", samples, 16000)
    wave = load_audio(tmp_path / f"clip.{suffix}", mono=channels == 1)
    np.testing.assert_allclose(wave, samples, atol=2**-14)
    assert wave.attrs["original_subtype"] == "PCM_16"
    assert [path.name for path in tmp_path.iterdir()] == [f"clip.{suffix}"]


def test_long_ogg_and_every_kind_of_array(tmp_path) -> None:
    write_audio(tmp_path / "long.ogg", noise(44100 * 20), 44100)
    assert load_audio(tmp_path / "long.ogg").sizes["time"] == 44100 * 20
    for samples in (torch.randn(50, requires_grad=True) / 9, as_clip(noise(50), 8000), [0.0] * 50):
        write_audio(tmp_path / "clip.wav", samples, 8000)
        assert load_audio(tmp_path / "clip.wav").sizes["time"] == 50


def test_loud_sound_is_scaled_and_said_so(tmp_path) -> None:
    samples = noise(1000)
    with pytest.warns(UserWarning, match=r"clip\.wav: the peak of 3.* was scaled to 1"):
        write_audio(tmp_path / "clip.wav", 3 * samples / np.abs(samples).max(), 16000)
    np.testing.assert_allclose(load_audio(tmp_path / "clip.wav"), samples / np.abs(samples).max(), atol=2**-14)


@pytest.mark.parametrize(
    ("name", "samples", "message"),
    [
        ("clip.wav", np.zeros(0), "no samples"),
        ("clip.wav", np.array([0.0, np.nan]), "NaN"),
        ("clip.wav", np.array(["a"]), "real numbers"),
        ("clip.wav", np.zeros((2, 2, 2)), "shape"),
        ("clip.doc", np.zeros(9), "suffix"),
        ("nowhere/clip.wav", np.zeros(9), r"cannot write .*nowhere/clip\.wav: the folder .*nowhere does not exist"),
    ],
)
def test_what_cannot_be_written(tmp_path, name: str, samples: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_audio(tmp_path / name, samples, 16000)
    assert not list(tmp_path.iterdir())


def test_failed_writing_keeps_the_old_file(tmp_path) -> None:
    for suffix in ("ogg", "flac"):
        path = tmp_path / f"clip.{suffix}"
        write_audio(path, noise(1000), 16000)
        before = path.read_bytes()
        with pytest.raises(InputError, match=rf"cannot write .*clip\.{suffix}"):
            write_audio(path, noise(1000), 999_999_999)  # no rate for either
        assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


# Sound in memory


def test_as_clip_labels_arrays() -> None:
    clip = as_clip(torch.tensor([0.0, 0.5, -0.5]), 16000, name="three")
    assert clip.dims == ("time",)
    assert clip.dtype == np.float32
    assert clip.attrs["name"] == "three"
    assert clip.attrs["sha256"] == hashlib.sha256(np.array([0, 0.5, -0.5], "<f4").tobytes()).hexdigest()
    assert {type(value) for value in clip.attrs.values()} == {str, int}
    assert as_clip(np.zeros((2, 5)), 16000).dims == ("clip", "time")
    assert as_clip([0, 1, -1], 8000).values.tolist() == [0, 1, -1]
    assert as_clip(torch.ones(3, dtype=torch.bfloat16), 8000).dtype == np.float32


@pytest.mark.parametrize(("kind", "low"), [("int16", -(2**15)), ("int32", -(2**31)), ("uint8", 0)])
def test_as_clip_scales_pcm(kind: str, low: int) -> None:
    middle = 128 if kind == "uint8" else 0
    clip = as_clip(np.array([low, middle], dtype=kind), 16000)
    assert clip.values.tolist() == [-1, 0]
    assert clip.attrs["note"] == f"scaled from {kind} to full scale 1"


def test_as_clip_keeps_what_is_known(tmp_path) -> None:
    soundfile.write(tmp_path / "clip.wav", noise(1000), 16000)
    wave = load_audio(tmp_path / "clip.wav")
    xr.testing.assert_identical(as_clip(wave, 16000), wave)
    xr.testing.assert_identical(as_clip(wave[300:500], 16000), wave[300:500])
    with pytest.raises(InputError, match="sampled at 16000 Hz, not 8000 Hz"):
        as_clip(wave, 8000)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "no samples"),
        (np.zeros((0, 5)), "no samples"),
        (3.0, "no samples"),
        ([0.0, float("nan")], "NaN"),
        ([0.0, float("inf")], "NaN or infinite"),
        ([1e300], "NaN or infinite"),
        (["a", "b"], "real numbers"),
        ([True, False], "real numbers"),
        ([1j], "real numbers"),
        ([None], "real numbers"),
        ([[1.0], [1.0, 2.0]], "array of numbers"),
        (np.zeros((2, 2, 2)), "shape"),
        (xr.DataArray(np.zeros((2, 5)), dims=("channel", "time")), "dims"),
    ],
)
def test_as_clip_refuses(samples, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_clip(samples, 16000)


# Pieces


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_piece_is_that_of_the_whole(tmp_path, suffix) -> None:
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, noise(44100, 2) / 2, 44100)
    whole = load_audio(path).values
    for start, seconds in [(0.0, 0.2), (0.25, 0.1), (0.777, 0.05), (0.9, None), (0.0, None)]:
        first = round(start * 44100)
        stop = None if seconds is None else first + round(seconds * 44100)
        piece = load_piece(path, 44100, start, seconds)
        assert piece.dtype == np.float32
        np.testing.assert_allclose(piece, whole[first:stop], atol=1e-6)


@pytest.mark.parametrize(("original", "rate"), [(44100, 16000), (8000, 16000), (48000, 8000)])
def test_a_resampled_piece_is_that_of_the_resampled_whole(tmp_path, original, rate) -> None:
    time = np.arange(original) / original
    soundfile.write(tmp_path / "sweep.wav", 0.5 * np.sin(2 * np.pi * (100 * time + 900 * time**2)), original)
    whole, piece = load_audio(tmp_path / "sweep.wav", rate).values, load_piece(tmp_path / "sweep.wav", rate, 0.25, 0.5)
    assert len(piece) == rate // 2
    inner = slice(rate // 50, -rate // 50)
    np.testing.assert_allclose(piece[inner], whole[rate // 4 : rate // 4 + rate // 2][inner], atol=1e-3)


def test_a_piece_ends_with_its_file(tmp_path) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(8000), 8000)
    assert len(load_piece(path, 8000, 0.9, 1.0)) == 800
    for start in (1.0, 2.0):
        with pytest.raises(InputError, match=r"clip\.wav has no sound from"):
            load_piece(path, 8000, start, 0.1)


def test_pieces_of_recordings() -> None:
    for path in recordings():
        seconds = audio_duration(path)
        whole = load_audio(path)
        rate = whole.attrs["sample_rate"]
        assert seconds == pytest.approx(whole.sizes["time"] / rate)
        first = round(seconds / 3 * rate)
        piece = load_piece(path, rate, first / rate, 0.1)
        np.testing.assert_allclose(piece, whole.values[first : first + round(0.1 * rate)], atol=1e-6)


@pytest.mark.parametrize("how", ["missing", "empty", "text", "cut off"])
@pytest.mark.parametrize("read", [audio_duration, lambda path: load_piece(path, 8000)])
def test_pieces_of_what_is_no_sound(tmp_path, how, read) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(8000), 8000)
    content = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes({"empty": b"", "text": b"no sound at all", "cut off": content[:5000]}[how])
    with pytest.raises(InputError, match=r"clip\.wav"):
        read(path)


def test_a_piece_with_what_is_no_number(tmp_path) -> None:
    path, samples = tmp_path / "clip.wav", noise(8000)
    samples[6000] = np.nan
    soundfile.write(path, samples, 8000, subtype="FLOAT")
    assert len(load_piece(path, 8000, 0.0, 0.5)) == 4000
    with pytest.raises(InputError, match=r"clip\.wav holds NaN or infinite samples"):
        load_piece(path, 8000, 0.5, 0.5)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_the_length_of_a_file(tmp_path, suffix) -> None:
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, noise(22050, 2), 22050)
    assert audio_duration(path) == pytest.approx(load_audio(path).sizes["time"] / 22050)
    assert audio_duration(path) == pytest.approx(1.0, abs=0.12 if suffix == "mp3" else 1e-9)


# -- Parts, channels and scales ---------------------------------------------------------------------------


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    """Two seconds at 16 kHz: a tone, and another of opposite sign for the most part."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone, 0.1 - tone], 1), 16_000)
    return tmp_path / "stereo.wav"


@pytest.mark.parametrize("rate", [None, 8000])
def test_a_part_is_that_of_the_whole_file(stereo: Path, rate: int | None) -> None:
    with pytest.warns(UserWarning, match="cancel"):
        whole = load_audio(stereo, rate)
    with pytest.warns(UserWarning, match="cancel"):
        part = load_audio(stereo, rate, start=0.5, duration=0.25)
    fs = rate or 16_000
    rounding = 1e-6 if rate else 0.0
    np.testing.assert_allclose(part, whole[fs // 2 : fs // 2 + fs // 4], atol=rounding, rtol=0)
    assert float(part.time[0]) == 0.5 and part.attrs["name"] == "stereo.wav (0.5 to 0.75 s)"
    one = load_audio(stereo, rate, start=1.5, channel=1)
    both = load_audio(stereo, rate, mono=False)
    np.testing.assert_allclose(one, both[1, -fs // 2 :], atol=rounding, rtol=0)
    assert one.attrs["name"] == "stereo.wav (channel 1, from 1.5 s)" and one.dims == ("time",)
    assert "mixed" not in one.attrs["note"]


@pytest.mark.parametrize("rate", [None, 8000, 11_025])
def test_a_part_that_ends_behind_the_file_has_its_true_end(stereo: Path, rate: int | None) -> None:
    part = load_audio(stereo, rate, start=0.5, duration=9, channel=0)
    assert part.attrs["name"] == "stereo.wav (channel 0, 0.5 to 2 s)"
    assert "shorter than the 9 s that were asked for: the file ends at 2 s" in part.attrs["note"]
    assert "shorter" not in load_audio(stereo, rate, start=0.5, duration=1.5, channel=0).attrs["note"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"start": 2.0}, "has no sound from 2 s on: it lasts 2 s"),
        ({"start": -1.0}, "start has to be 0 s or more, not -1"),
        ({"start": float("nan")}, "start has to be 0 s or more"),
        ({"duration": 0.0}, "duration has to be a sample or longer, not 0 s"),
        ({"channel": 2}, "has the channels 0 to 1, not 2"),
        ({"channel": -1}, "has the channels 0 to 1, not -1"),
    ],
)
def test_a_part_that_is_not_there_is_refused(stereo: Path, part: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_audio(stereo, **part)


def test_channels_that_cancel_are_said(stereo: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"the channels of stereo.wav are of opposite sign .* channel=0 \(--channel 0"):
        note = load_audio(stereo).attrs["note"]
    assert note == "mixed down from 2 channels; its channels cancel each other"
    with pytest.warns(UserWarning, match="cancel each other"):
        list(stream_audio(stereo))
    noise = np.random.default_rng(0).standard_normal((8000, 2)) * 0.1
    for name, samples in {"apart": noise, "one": noise * [1, 0], "none": 0 * noise, "mono": noise[:, 0]}.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 16_000)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert "cancel" not in load_audio(tmp_path / f"{name}.wav").attrs["note"]


def test_samples_on_the_scale_of_integers_are_said(tmp_path: Path) -> None:
    loud = 20_000 * np.cos(np.arange(800.0))
    with pytest.warns(
        UserWarning, match="array peaks at 20000 where full scale is 1, as samples of 16 bits do: divide"
    ):
        as_clip(loud, 8000)
    soundfile.write(tmp_path / "loud.wav", loud, 8000, subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"loud.wav peaks at 20000 .*divide them by 32768"):
        load_audio(tmp_path / "loud.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_clip(loud.astype("int16"), 8000)
        as_clip(loud / 32768, 8000)


def test_an_array_that_lies_as_soundfile_reads_it_is_refused() -> None:
    for channels in (1, 2):
        with pytest.raises(InputError, match=r"looks like \(time, channel\) as soundfile reads it: give"):
            as_clip(np.zeros((16_000, channels)), 16_000)


@pytest.mark.parametrize("rate", [16_000, 8_000, 44_100, 22_050, 11_025, 15_999])
@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg"])
def test_a_part_is_that_of_the_whole_and_reads_no_more_than_it(
    suffix: str, rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, seconds = tmp_path / f"long.{suffix}", 60
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (seconds * 16_000, 2)).astype(np.float32)
    soundfile.write(place, samples[:, :1] if suffix == "ogg" else samples, 16_000)
    whole = load_audio(place, rate)
    read: list[int] = []
    plain = soundfile.SoundFile.read

    def counted(self: Any, *given: Any, **more: Any) -> Any:
        found = plain(self, *given, **more)
        read.append(len(found))
        return found

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    for start, duration in ((0.0, 1.0), (0.1, 0.05), (40.123, 1.7), (59.5, 0.5), (30.0, None)):
        read.clear()
        part = load_audio(place, rate, start=start, duration=duration)
        first = round(start * rate)
        expected = whole.values[first:] if duration is None else whole.values[first : first + round(duration * rate)]
        np.testing.assert_allclose(part.values, expected, atol=2e-6, rtol=0)
        if suffix != "ogg" and rate != 15_999 and duration is not None:
            assert sum(read) <= 16_000 * (duration + 4)


def test_a_part_of_a_file_of_one_rate_is_exact(tmp_path: Path) -> None:
    for suffix in ("wav", "flac"):
        soundfile.write(tmp_path / f"a.{suffix}", np.random.default_rng(0).uniform(-0.5, 0.5, 400_000), 16_000)
        whole = load_audio(tmp_path / f"a.{suffix}")
        part = load_audio(tmp_path / f"a.{suffix}", start=12.3456, duration=3.21)
        np.testing.assert_array_equal(part, whole[round(12.3456 * 16_000) :][: part.size])


@pytest.mark.parametrize("count", [1, 15, 4096, 4097, 100_000, 600_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_flac_whose_header_says_less_than_it_holds_is_refused(tmp_path: Path, count: int, channels: int) -> None:
    path = tmp_path / "short.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, (count, channels)), 48_000)
    with path.open("rb") as file:
        assert samples_in_frames(file) == count
    assert load_audio(path).sizes["time"] == count
    content = bytearray(path.read_bytes())
    content[22:26] = (count // 2).to_bytes(4, "big")  # the samples in STREAMINFO
    path.write_bytes(content)
    if count > 1:
        with pytest.raises(InputError, match=f"holds {count}"):
            load_audio(path)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])  # with frames of other sizes
def test_the_samples_of_a_flac_are_counted_whatever_is_written_around_them(subtype: str, level: float) -> None:
    file = io.BytesIO()
    soundfile.write(file, noise(30_001), 16_000, format="FLAC", subtype=subtype, compression_level=level)
    content = file.getvalue()
    before = b"ID3\x04\x00\x00\x00\x00\x02\x01" + b"\xff" * 257
    padding = content[:4] + bytes([content[4] & 0x7F]) + content[5:42] + bytes([1, 0, 1, 0]) + b"\xff" * 256
    assert not content[4] & 0x80  # metadata of others follow those of the stream
    for version in (content, before + content, content + b"TAG" + bytes(125), padding + content[42:]):
        assert samples_in_frames(io.BytesIO(version)) == 30_001
    assert samples_in_frames(io.BytesIO(content + b"what nobody knows")) in range(10_000, 30_001)  # but for the last
    assert samples_in_frames(io.BytesIO(content[:42])) is None
    assert samples_in_frames(io.BytesIO(b"RIFF" + content)) is None


def test_a_flac_that_begins_within_a_longer_one_is_whole() -> None:
    """Frames that were cut out of a file keep their numbers."""
    file = io.BytesIO()
    soundfile.write(file, noise(50_000), 16_000, format="FLAC")
    content = file.getvalue()
    starts = [match.start() for match in re.finditer(rb"\xff[\xf8\xf9]", content)]
    found = {samples_in_frames(io.BytesIO(content[: starts[0]] + content[start:])) for start in starts[1:]}
    assert found & {50_000 - 4096} and max(one for one in found if one) < 50_000


def test_what_looks_like_many_frames_is_read_in_little_time() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(20_000_000, dtype="f4"), 16_000, format="FLAC")
    content = bytearray(file.getvalue())
    for place in range(60, len(content), 14):
        content[place : place + 1] = bytes([content[place] ^ 1])  # no frame is whole
    start = time.process_time()
    samples_in_frames(io.BytesIO(bytes(content)))
    assert time.process_time() - start < 2
