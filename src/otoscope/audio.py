"""Read, resample, mix down, check and write sound files."""

from __future__ import annotations

import hashlib
import math
import os
import re
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile
import soxr
import xarray as xr

from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.files import whole_file
from otoscope.flac import samples_in_frames
from otoscope.mixing import Mix
from otoscope.text import writable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

AudioFile = str | os.PathLike[str] | Embedded
"""A sound file: its path, or where it lies within another file."""

_FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
# Sizes in headers that libsndfile logs as larger than the file: of the sound in wav, aiff, au and caf, of the whole
# file in w64 and rf64. (A wrong size of a whole wav file, "RIFF", is common and harmless.)
_DECLARED = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_PCM_SCALE = {"uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}
_MOST_CHANNELS = 8  # of a sound in memory that may lie the wrong way round
_SHAPES: tuple[tuple[str, ...], ...] = (("time",), ("clip", "time"))
_SHAPES_OF_SEVERAL: tuple[tuple[str, ...], ...] = (("time",), ("channel", "time"), ("clip", "channel", "time"))
_INTEGER_PEAK = 256.0  # no sound whose full scale is 1 comes near
_SETTLED = 2_000_000_000  # ns after which a file that changes again has another time
_UNKNOWN_LENGTH = 2**62  # frames, as libsndfile returns where the header has no length
_VORBIS_RATE = 200_000  # Hz; libsndfile crashes above
_FRAMED = ("WAV", "WAVEX", "FLAC", "AIFF", "AU", "W64", "RF64", "CAF")
_FRAMED_SUBTYPES = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
# Formats in which a frame is the same wherever reading begins; in lossy ones it may depend on those before it.
_RUN_IN = 4096  # samples of the lower rate, more than the filter spans when a rate is changed
_SIMPLE = 1000  # the largest number in a ratio of rates that is kept exactly; in others the places of samples drift
_LAG = 0.5  # s by which that filter may be behind
_WRITE_FRAMES = 1 << 16  # libvorbis overflows its stack on longer blocks


def load_audio(
    path: AudioFile,
    sample_rate: int | None = None,
    *,
    mono: bool = True,
    start: float = 0.0,
    duration: float | None = None,
    channel: int | None = None,
) -> xr.DataArray:
    """Read a sound file, mix it down and resample it.

    Parameters
    ----------
    path : str, path or Embedded
        Any file that libsndfile reads: wav, flac, ogg, mp3, aiff, ... of any rate, depth and channels; also one within
        a tar archive or an Arrow table, as an item of a data set names it.
    sample_rate : int, optional
        Rate to resample to, in Hz; the rate of the file by default.
    mono : bool
        Mix the channels down to their mean, with a warning where they cancel. Otherwise they are kept.
    start, duration : float
        The part of the file that is kept, in s; to the end of the file by default. The samples are those of the whole
        file, but for rounding where it is resampled; of a file without loss no more is read than that.
    channel : int, optional
        The one channel that is kept, from 0.

    Returns
    -------
    DataArray, float32
        Dims ("time",), or ("channel", "time") with ``mono=False``; coordinate ``time`` in s from `start`. Full scale is
        1; floating-point files, lossy ones and resampling can exceed it slightly, which is kept.
        Attributes: ``name``, ``path`` and ``sha256`` of the file, ``sample_rate``, ``original_sample_rate``,
        ``original_samples``, ``original_channels``, ``original_subtype``, and ``note``, a sentence on what was changed.

    Raises
    ------
    InputError
        If the file does not exist, is not audio, corrupt, truncated or empty, holds NaN or infinite
        samples, or has no such part or channel, or `sample_rate` is not positive.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.ones((2, 44100)), 44100)
    ...     wave = load_audio(f"{folder}/clip.wav", sample_rate=16000)
    >>> wave.sizes["time"], wave.attrs["note"]
    (16000, 'mixed down from 2 channels; resampled from 44100 to 16000 Hz')
    """
    path = _place(path)
    rate, header = _header(path, sample_rate)
    first, last = _bounds(path, rate, start, duration)
    mix = Mix(path, mono, channel)
    begin, before = _beginning(header, rate, first)
    wanted = None if last is None else last - before
    block = 10.0 if wanted is None else min(10.0, wanted / rate + _LAG)
    blocks = _stream(path, rate, header.samplerate, mix, block_duration=block, begin=begin)
    samples = _part(blocks, first - before, wanted)
    if not len(samples):
        raise InputError(f"{path} has no sound from {start:g} s on: it lasts {header.frames / header.samplerate:g} s")
    mix.warn()
    _warn_of_integers(samples, path.name)
    heard, ends = duration, None
    if last is not None and len(samples) + 1 < last - first:
        heard = (first + len(samples)) / rate - start
        ends = f"shorter than the {duration:g} s that were asked for: the file ends at {start + heard:.4g} s"
    note = "; ".join(filter(None, [_note(header, rate, mix), mix.note(), ends]))
    mono = mix.keeps_one
    attrs = {
        "name": path.name + _part_name(start, heard, channel),
        "path": str(path),
        "sha256": file_digest(path),
        "sample_rate": rate,
        "original_sample_rate": header.samplerate,
        "original_samples": header.frames,
        "original_channels": header.channels,
        "original_subtype": header.subtype,
        "note": note,
    }
    dims = ("time",) if mono else ("channel", "time")
    sound = _labelled(samples[:, 0] if mono else samples.T, dims, attrs)
    return sound.assign_coords(time=sound["time"] + first / rate) if first else sound


def stream_audio(
    path: AudioFile, sample_rate: int | None = None, *, block_duration: float = 10.0
) -> Iterator[np.ndarray]:
    """Read a sound file of any length block by block, mixed down and resampled, in flat memory.

    Parameters
    ----------
    path : str or path
        As in :func:`load_audio`.
    sample_rate : int, optional
        Rate to resample to, in Hz; the rate of the file by default.
    block_duration : float
        Length of the blocks in s.

    Yields
    ------
    ndarray (n,), float32
        Consecutive blocks; together the samples of :func:`load_audio`.

    Raises
    ------
    InputError
        As in :func:`load_audio`: problems of the header at the call, those of samples (corruption, truncation, NaN)
        when they are read.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros(40000), 16000)
    ...     [len(block) for block in stream_audio(f"{folder}/clip.wav", block_duration=1)]
    [16000, 16000, 8000]
    """
    path = _place(path)
    rate, header = _header(path, sample_rate)
    if not 0 < block_duration < math.inf:
        raise InputError(f"block_duration must be a positive number of seconds, got {block_duration!r}")
    return _warned(path, rate, header.samplerate, block_duration)


def _warned(path: Path | Embedded, rate: int, original: int, block_duration: float) -> Iterator[np.ndarray]:
    mix = Mix(path)
    for block in _stream(path, rate, original, mix, block_duration=block_duration):
        yield block[:, 0]
    mix.warn()


def audio_duration(path: AudioFile) -> float:
    """Duration of a sound file in s, from its header.

    Raises
    ------
    InputError
        As in :func:`load_audio`, for problems of the header.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros(4000), 16000)
    ...     audio_duration(f"{folder}/clip.wav")
    0.25
    """
    frames, rate = audio_length(path)
    return frames / rate


def audio_length(path: AudioFile) -> tuple[int, int]:
    """Samples of a sound file and its rate in Hz, from its header.

    Raises
    ------
    InputError
        As in :func:`load_audio`, for problems of the header.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros(4000), 16000)
    ...     audio_length(f"{folder}/clip.wav")
    (4000, 16000)
    """
    _, header = _header(_place(path), None)
    return int(header.frames), int(header.samplerate)


def audio_channels(path: AudioFile) -> int:
    """How many channels a sound file has, from its header.

    Raises
    ------
    InputError
        As in :func:`load_audio`, for problems of the header.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros((2, 4000)), 16000)
    ...     audio_channels(f"{folder}/clip.wav")
    2
    """
    _, header = _header(_place(path), None)
    return int(header.channels)


def audio_changes(path: AudioFile, sample_rate: int) -> str:
    """What :func:`load_audio` changes in a sound file, the ``note`` of the sound, from its header.

    Raises
    ------
    InputError
        As in :func:`load_audio`, for problems of the header.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros(4000), 16000)
    ...     audio_changes(f"{folder}/clip.wav", 8000)
    'resampled from 16000 to 8000 Hz'
    """
    place = _place(path)
    rate, header = _header(place, sample_rate)
    return _note(header, rate, Mix(place))


def load_piece(path: AudioFile, sample_rate: int, start: float = 0.0, duration: float | None = None) -> np.ndarray:
    """Read a piece of a sound file, mixed down and resampled, without decoding the rest.

    Parameters
    ----------
    path : str or path
    sample_rate : int
        Rate to resample to, in Hz.
    start, duration : float
        Where the piece begins, and how long it is, in s; to the end of the file by default.

    Returns
    -------
    ndarray (time,), float32
        The samples of a file of that rate; else the piece alone is resampled, so that a few samples at its ends differ
        from those of the whole file resampled.

    Raises
    ------
    InputError
        As in :func:`load_audio`, or if the file ends before `start`.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/clip.wav", np.zeros(16000), 16000)
    ...     load_piece(f"{folder}/clip.wav", 8000, start=0.5, duration=0.1).shape
    (800,)
    """
    path = _place(path)
    rate = _checked_rate(sample_rate)
    if start < 0 or (duration is not None and duration <= 0):
        raise InputError(f"start has to be 0 s or more and duration above 0 s, not {start} s and {duration} s")
    with _opened(path) as file:
        first = min(round(start * file.samplerate), file.frames)
        left = file.frames - first
        wanted = left if duration is None else min(round(duration * file.samplerate), left)
        try:
            file.seek(first)
            samples: np.ndarray = file.read(wanted, dtype="float32", always_2d=True).mean(axis=1)
        except soundfile.SoundFileError as error:
            raise InputError(f"{path} is corrupt or truncated after {start:.3f} s: {_reason(error)}") from error
        if len(samples) + _slack(file) < wanted:
            raise InputError(f"{path} is truncated: {first + len(samples)} of {file.frames} frames are present")
        if not np.isfinite(samples).all():
            raise InputError(f"{path} holds NaN or infinite samples, between {start:.3f} s and the end of the piece")
        if file.samplerate != rate and samples.size:
            samples = soxr.resample(samples, file.samplerate, rate)
    if not samples.size:
        raise InputError(f"{path} has no sound from {start:.3f} s on")
    return samples


def write_audio(path: str | os.PathLike[str], samples: ArrayLike | Tensor | xr.DataArray, sample_rate: int) -> None:
    """Write a sound file, whole or not at all.

    Parameters
    ----------
    path : str or path
        File to write or replace, in a folder that exists. The suffix gives the format: .wav and .flac
        (16 bits), .ogg (Vorbis).
    samples : array, tensor or DataArray (time,) or (channel, time)
        Full scale is 1. Louder sound is never clipped: all of it is scaled to peak at 1, with a warning.
    sample_rate : int
        Samples per second, in Hz.

    Raises
    ------
    InputError
        If the samples are empty, not numbers or not finite, the suffix is unknown, the format does not support
        the rate, or the folder does not exist or cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.sin(np.arange(800)), 8000)
    ...     load_audio(f"{folder}/tone.wav").sizes["time"]
    800
    """
    path = Path(path)
    rate = _checked_rate(sample_rate)
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"cannot write {path}: its suffix must be one of {', '.join(_FORMATS)}")
    if path.suffix.lower() == ".ogg" and rate > _VORBIS_RATE:
        raise InputError(f"cannot write {path}: Vorbis goes up to {_VORBIS_RATE} Hz, not {rate}; use .wav")
    values = _checked_samples(samples, "samples")
    if values.ndim > 2:
        raise InputError(f"samples to write must be (time,) or (channel, time), got shape {values.shape}")
    peak = float(np.abs(values).max())
    if peak > 1:
        message = f"{path.name}: the peak of {peak:.4g} was scaled to 1, so that nothing clips"
        warnings.warn(message, stacklevel=2)
        values = values / np.float32(peak)
    with whole_file(path) as part:
        try:
            _encode(part, values.T, rate, *_FORMATS[path.suffix.lower()])
        except soundfile.SoundFileError as error:
            raise InputError(f"cannot write {path}: {_reason(error)}") from error


def as_clip(
    samples: ArrayLike | Tensor | xr.DataArray, sample_rate: int, *, name: str = "array", several: bool = False
) -> xr.DataArray:
    """Label and check sound that is already in memory.

    Parameters
    ----------
    samples : array, tensor or DataArray (time,) or (clip, time)
        Full scale is 1. The PCM types int16, int32 and uint8 are scaled to it; other numbers are kept. A result
        of :func:`load_audio` keeps its attributes.
    sample_rate : int
        Samples per second, in Hz.
    name : str
        Name of the sound in results.
    several : bool
        Whether sounds may have several channels: samples are (time,), (channel, time) or (clip, channel, time) then.

    Returns
    -------
    DataArray, float32
        Dims ("time",) or ("clip", "time"), or with several channels ("channel", "time") or ("clip", "channel", "time"),
        with the attributes of :func:`load_audio`; ``sha256`` is that of the float32 samples.

    Raises
    ------
    InputError
        If the samples are empty, not real numbers, not finite, of other dimensions, or labelled with
        another sample rate.

    Examples
    --------
    >>> import numpy as np
    >>> clip = as_clip(np.zeros(8000), 16000)
    >>> clip.dims, clip.time.values[-1].item()
    (('time',), 0.4999375)
    """
    rate = _checked_rate(sample_rate)
    labelled = samples if isinstance(samples, xr.DataArray) else None
    known = {} if labelled is None else dict(labelled.attrs)
    if known.get("sample_rate", rate) != rate:
        raise InputError(
            f"{known.get('name', name)} is sampled at {known['sample_rate']} Hz, not {rate} Hz; "
            f"load it with load_audio(path, sample_rate={rate})"
        )
    shapes = _SHAPES_OF_SEVERAL if several else _SHAPES
    if labelled is not None and labelled.dims not in (*_SHAPES, *shapes):
        raise InputError(
            f"{name} has dims {labelled.dims}; expected {' or '.join(map(repr, shapes))}. "
            "Take one channel of it or load it with mono=True"
        )
    values = _checked_samples(samples, name)
    if values.ndim > len(shapes):
        raise InputError(f"{name} must be of shape {' or '.join(map(_bracketed, shapes))}, got {values.shape}")
    if values.ndim == 2 and values.shape[1] <= _MOST_CHANNELS < values.shape[0]:
        other = "samples.T, or (clip, channel, time)" if several else "one channel as samples[:, 0], or (clip, time)"
        raise InputError(
            f"{name} has the shape {values.shape}, which looks like (time, channel) as soundfile reads it: give "
            f"{_bracketed(shapes[several])}, for instance {other}"
        )
    dims = shapes[values.ndim - 1] if labelled is None else tuple(map(str, labelled.dims))
    if "channel" in dims and values.shape[-2] == 1:  # a sound of one channel after all
        values, dims = values[..., 0, :], tuple(dim for dim in dims if dim != "channel")
    if labelled is None:
        _warn_of_integers(values, name)
    kind = str(samples.dtype if hasattr(samples, "dtype") else np.asarray(samples).dtype).removeprefix("torch.")
    attrs = {
        "name": name,
        "sha256": known.get("sha256")
        or hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest(),
        "sample_rate": rate,
        "original_sample_rate": rate,
        "original_channels": values.shape[-2] if "channel" in dims else 1,
        "original_subtype": kind,
        "note": f"scaled from {kind} to full scale 1" if kind in _PCM_SCALE else "",
    }
    clip = _labelled(values, dims, attrs | known)
    if labelled is not None:  # an excerpt keeps its place in time
        clip = clip.assign_coords({key: one for key, one in labelled.coords.items() if set(one.dims) <= set(dims)})
    return clip


def _place(path: AudioFile) -> Path | Embedded:
    return path if isinstance(path, Embedded) else Path(path)


def _header(path: Path | Embedded, sample_rate: int | None) -> tuple[int, soundfile.SoundFile]:
    """The rate to resample to, and the (closed) file with its header."""
    if sample_rate is not None:
        sample_rate = _checked_rate(sample_rate)
    file = path.path if isinstance(path, Embedded) else path
    if not file.exists():
        link = f" (it is a link to {os.readlink(file)}, which does not exist)" if file.is_symlink() else ""
        raise InputError(f"no such audio file: {path}{link}")
    if file.is_dir():
        raise InputError(f"{path} is a folder, not an audio file; name one of the files in it")
    with _opened(path) as file:
        return sample_rate or file.samplerate, file


def _opened(path: Path | Embedded) -> soundfile.SoundFile:
    try:
        if (path.size if isinstance(path, Embedded) else path.stat().st_size) == 0:
            raise InputError(f"{path} is empty (0 bytes)")
        file = soundfile.SoundFile(path.open() if isinstance(path, Embedded) else _name(path))
    except (OSError, TypeError, soundfile.SoundFileError) as error:  # TypeError: headerless .raw
        raise InputError(f"cannot read {path} as audio: {_reason(error)}") from error
    missing = _missing(path, file)
    if missing:
        file.close()
        raise InputError(f"{path} is truncated: {missing}; copy it again from its source")
    if file.frames == 0:
        raise InputError(f"{path} holds no samples")
    if file.frames >= _UNKNOWN_LENGTH:
        raise InputError(f"the header of {path} has no length; encode it again into a file")
    return file


def _name(path: Path) -> Path | bytes:
    """A path as soundfile takes it: in bytes where it is in no encoding."""
    return path if writable(str(path)) == str(path) else os.fsencode(path)


def _missing(path: Path | Embedded, file: soundfile.SoundFile) -> str:
    """What a file lacks according to its header, or "".

    libsndfile reads a truncated file up to its end without an error, but logs the sizes.
    """
    logged = _DECLARED.search(file.extra_info)
    if logged:
        declared, found = map(int, logged.groups())
        # Recorders that write to a pipe cannot go back to fill in the length, and leave about 2^31 or 2^32.
        piped = min(abs(declared - placeholder) for placeholder in (2**31, 2**32)) < 2**16
        if found < declared and not piped:
            return f"{found} of {declared} bytes are present"
    if file.format == "OGG" and not _ogg_ends(path):
        return "the last page of its Ogg stream is missing"
    return ""


def _ogg_ends(path: Path | Embedded) -> bool:
    """Whether the page that ends an Ogg stream (RFC 3533, section 6) is complete."""
    with _bytes_of(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 17)))  # two pages of the largest size
        tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return False
    flags, segments = tail[page + 5], tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    whole = len(lengths) == segments and len(tail) >= page + 27 + segments + sum(lengths)
    return whole and bool(flags & 4)


def _bytes_of(path: Path | Embedded) -> BinaryIO:
    return path.open() if isinstance(path, Embedded) else open(path, "rb")


def _bounds(path: Path | Embedded, rate: int, start: float, duration: float | None) -> tuple[int, int | None]:
    """The first sample of a part, and the one after its last."""
    if not 0 <= start < math.inf:
        raise InputError(f"start has to be 0 s or more, not {start:g} s ({path})")
    first = round(start * rate)
    if duration is None:
        return first, None
    if not 1 / rate <= duration < math.inf:
        raise InputError(f"duration has to be a sample or longer, not {duration:g} s ({path})")
    return first, first + max(1, round(duration * rate))


def _beginning(header: soundfile.SoundFile, rate: int, first: int) -> tuple[int, int]:
    """The frame from which a file has to be read for all from sample `first` on, and which sample that frame is.

    It is the first one where a format has no place of its own for each frame. Where the rate is changed, it lies before
    by what the filter spans, and on a sample: so what is read is what it is in the whole file.
    """
    framed = header.format in _FRAMED and header.subtype.startswith(_FRAMED_SUBTYPES)
    if not framed or first * header.samplerate >= header.frames * rate:
        return 0, 0
    if rate == header.samplerate:
        return first, first
    common = math.gcd(rate, header.samplerate)
    if max(rate, header.samplerate) > _SIMPLE * common:
        return 0, 0
    run_in = -(-_RUN_IN * rate // min(rate, header.samplerate))
    steps = max(0, first - run_in) // (rate // common)
    return steps * (header.samplerate // common), steps * (rate // common)


def _part(blocks: Iterator[np.ndarray], first: int, last: int | None) -> np.ndarray:
    """Samples `first` to `last` (left out) of what comes in blocks, of which no more are read than needed."""
    kept, done = [], 0
    for block in blocks:
        stop = len(block) if last is None else min(len(block), last - done)
        kept.append(block[max(0, first - done) : stop])
        done += len(block)
        if last is not None and done >= last:
            break
    return np.concatenate(kept)


def _part_name(start: float, duration: float | None, channel: int | None) -> str:
    """Which part of a file it is, in words; "" for the whole of it."""
    parts = [] if channel is None else [f"channel {channel}"]
    if start or duration is not None:
        parts.append(f"from {start:g} s" if duration is None else f"{start:g} to {start + duration:g} s")
    return f" ({', '.join(parts)})" if parts else ""


def _stream(
    path: Path | Embedded, rate: int, original: int, mix: Mix, *, block_duration: float = 10.0, begin: int = 0
) -> Iterator[np.ndarray]:
    """Blocks (n, channels) from frame `begin` on, resampled."""
    blocks = _read(path, max(1, round(block_duration * original)), mix, begin)
    produced = 0
    for block in blocks if rate == original else _resampled(path, blocks, original, rate):
        produced += len(block)
        if len(block):
            yield block
    if not produced:
        raise InputError(f"{path} is too short to hold a sample at {rate} Hz")


def _read(path: Path | Embedded, size: int, mix: Mix, begin: int = 0) -> Iterator[np.ndarray]:
    with _opened(path) as file:
        mix.check(file.channels)
        done = begin
        while True:
            try:
                if done == begin > 0:
                    file.seek(begin)
                block = file.read(size, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise InputError(
                    f"{path} is corrupt or truncated after {done} of {file.frames} frames: {_reason(error)}"
                ) from error
            if not len(block):
                break
            finite = np.isfinite(block).all(1)
            if not finite.all():
                second = (done + int(finite.argmin())) / file.samplerate
                raise InputError(f"{path} holds NaN or infinite samples, the first at {second:.3f} s")
            done += len(block)
            yield mix(block)
        if done + _slack(file) < file.frames:
            raise InputError(f"{path} is truncated: {done} of {file.frames} frames are present")
        if file.format == "FLAC":
            with _bytes_of(path) as raw:
                there = samples_in_frames(raw)
            if there is not None and there > file.frames:
                raise InputError(
                    f"the header of {path} says {file.frames} frames, and it holds {there}: encode it again"
                )


def _slack(file: soundfile.SoundFile) -> int:
    """Frames by which a header may overstate the length: for an MP3 without an index it is an estimate."""
    return 2 * 1152 if file.format in ("MPEG", "MP3") else 0


def _resampled(path: Path | Embedded, blocks: Iterator[np.ndarray], original: int, rate: int) -> Iterator[np.ndarray]:
    resampler = None
    for block in blocks:
        if resampler is None:
            try:
                resampler = soxr.ResampleStream(original, rate, block.shape[1], dtype="float32")
            except (ValueError, RuntimeError) as error:
                raise InputError(f"cannot resample {path} from {original} to {rate} Hz: {error}") from error
            silence = block[:0]
        yield resampler.resample_chunk(block)
    if resampler is not None:
        yield resampler.resample_chunk(silence, last=True)


def _note(header: soundfile.SoundFile, rate: int, mix: Mix) -> str:
    changes = []
    if mix.averages and header.channels > 1:
        changes.append(f"mixed down from {header.channels} channels")
    if rate != header.samplerate:
        changes.append(f"resampled from {header.samplerate} to {rate} Hz")
    return "; ".join(changes)


def _labelled(values: np.ndarray, dims: tuple[str, ...], attrs: dict[str, Any]) -> xr.DataArray:
    time = np.arange(values.shape[-1]) / attrs["sample_rate"]
    coords = {"time": ("time", time, {"units": "s", "long_name": "time"})}
    attrs = {"units": "1", "long_name": "amplitude"} | attrs
    return xr.DataArray(np.ascontiguousarray(values), dims=dims, coords=coords, attrs=attrs, name="audio")


def _bracketed(dims: tuple[str, ...]) -> str:
    """Axes as they are written in text."""
    return f"({', '.join(dims)}{',' * (len(dims) == 1)})"


def _checked_rate(sample_rate: int) -> int:
    number = isinstance(sample_rate, (int, float, np.integer, np.floating)) and sample_rate is not True
    if not number or not 0 < sample_rate < math.inf or sample_rate != int(sample_rate):
        raise InputError(f"sample_rate must be a positive whole number of Hz, got {sample_rate!r}")
    return int(sample_rate)


def _checked_samples(samples: ArrayLike | Tensor | xr.DataArray, name: str) -> np.ndarray:
    """Finite float32 samples with at least one dimension."""
    if hasattr(samples, "detach"):
        samples = samples.detach().cpu()
        if str(samples.dtype) == "torch.bfloat16":  # unknown to numpy
            samples = samples.float()
    try:
        values = np.asarray(samples)
    except ValueError as error:  # ragged lists
        raise InputError(f"{name} must be an array of numbers: {error}") from error
    if values.dtype.kind not in "iuf":
        raise InputError(f"{name} must hold real numbers, got {values.dtype}")
    if values.ndim == 0 or values.size == 0:
        raise InputError(f"{name} holds no samples (shape {values.shape})")
    scale = _PCM_SCALE.get(str(values.dtype))
    if scale is not None:
        values = (values - (scale if values.dtype.kind == "u" else 0.0)) / scale
    if not np.isfinite(values).all() or np.abs(values).max() > np.finfo(np.float32).max:
        raise InputError(f"{name} holds NaN or infinite samples")
    return values.astype(np.float32)


def _warn_of_integers(values: np.ndarray, name: str) -> None:
    """Warn of floating-point samples that are on the scale of integers."""
    peak = float(np.abs(values).max())
    if peak >= _INTEGER_PEAK:
        bits = 32 if peak > 2**23 else 24 if peak > 2**15 else 16
        warnings.warn(
            f"{name} peaks at {peak:.6g} where full scale is 1, as samples of {bits} bits do: divide them by "
            f"{2 ** (bits - 1)}, unless the model was trained on such numbers",
            stacklevel=3,
        )


def _encode(path: Path, values: np.ndarray, rate: int, kind: str, subtype: str) -> None:
    channels = 1 if values.ndim == 1 else values.shape[1]
    with (
        open(path, "wb") as raw,
        soundfile.SoundFile(raw, "w", rate, channels, format=kind, subtype=subtype) as file,
    ):
        for start in range(0, len(values), _WRITE_FRAMES):
            file.write(values[start : start + _WRITE_FRAMES])


def file_digest(path: AudioFile) -> str:
    """SHA-256 of a file, in hexadecimal; of one that has not changed of late it is kept, as many pieces may be read."""
    place = _place(path)
    found = os.stat(place.path if isinstance(place, Embedded) else place)
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < _SETTLED:
        return _digest(place)
    return _kept_digest(place, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(64)
def _kept_digest(place: Path | Embedded, *_: int) -> str:
    return _digest(place)


def _digest(place: Path | Embedded) -> str:
    digest = hashlib.sha256()
    with _bytes_of(place) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    """The problem, without the file name, which our message has already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(getattr(error, "error_string", error)).rstrip(". ")
