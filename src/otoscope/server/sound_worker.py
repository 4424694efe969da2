"""The program that reads the sound files that clients send, and changes sounds: each in a process with limits."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from otoscope.audio import audio_channels, audio_length, file_digest, load_audio
from otoscope.data.vowels import vowel_clip
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.server.bench import Tell, work_on
from otoscope.server.examples import EXAMPLES
from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal
from otoscope.server.tasks import Alter, Decode, Synthesise

_SAMPLE = 4  # bytes


def main() -> None:
    work_on(_begin, copied=lambda: sys.platform == "linux", fresh=True)


def _begin(limits: Limits) -> tuple[Callable[[Any, Tell], Any], dict[str, Any]]:
    _warm_up()

    def do(task: Decode | Alter | Synthesise, tell: Tell) -> dict[str, Any]:
        confine(limits)
        try:
            if isinstance(task, Synthesise):
                return synthesise(task)
            return decode(task, limits) if isinstance(task, Decode) else alter(task)
        except MemoryError:
            name = task.example.name if isinstance(task, Synthesise) else task.name
            message = f"{name} takes more memory than it may: send it as WAV, or a shorter one"
            raise Refusal(422, "not-audio", message) from None

    return do, {}


def _warm_up() -> None:
    """Do once all that a copy will do, so that it has the modules for it."""
    import torch  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        made, read = Path(folder) / "made.wav", Path(folder) / "read.wav"
        synthesise(Synthesise(next(iter(EXAMPLES.values())), made))
        decode(Decode(made, "made", read), Limits())


def confine(limits: Limits) -> None:
    """Bound what this process may take, where the system lets it: memory, processor time, and the size of files."""
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = round(limits.decode_seconds + sum(os.times()[:2]))
    bounds = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: limits.decoded_bytes + (1 << 20),
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bounds[resource.RLIMIT_AS] = pages * os.sysconf("SC_PAGE_SIZE") + limits.decode_memory
    for kind, bound in bounds.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))


def decode(task: Decode, limits: Limits) -> dict[str, Any]:
    """Read a file, after its header has been seen to promise no more than is taken; what it is, for its page."""
    try:
        frames, rate = audio_length(task.path)
        channels = audio_channels(task.path)
        _check_size(task.name, frames, rate, channels, limits)
        sound = load_audio(task.path, mono=False)
    except InputError as error:
        raise Refusal(422, "not-audio", str(error)) from None
    values = np.atleast_2d(sound.values)
    _check_size(task.name, values.shape[1], rate, len(values), limits)
    _write(task.out, values, rate)
    return _facts(values, rate) | {
        "sha256": file_digest(task.path),
        "subtype": str(sound.attrs["original_subtype"]),
        "note": "",
    }


def _check_size(name: str, frames: int, rate: int, channels: int, limits: Limits) -> None:
    least, most = limits.rates
    if not least <= rate <= most:
        message = f"the header of {name} says {rate} Hz, and rates from {least} to {most} Hz are taken"
        raise Refusal(422, "not-audio", f"{message}: is it damaged? Encode it again")
    if frames > limits.duration * rate:
        message = f"{name} lasts {frames / rate:.4g} s, and at most {limits.duration:g} s are taken: send a part of it"
        raise Refusal(413, "too-long", message)
    if channels > limits.channels:
        raise Refusal(413, "too-large", f"{name} has {channels} channels, and at most {limits.channels} are taken")
    if frames * channels * _SAMPLE > limits.decoded_bytes:
        message = f"{name} holds {frames * channels} samples, and at most {limits.decoded_bytes // _SAMPLE} are taken"
        raise Refusal(413, "too-large", f"{message}: send a part of it, or at a lower rate")


def _write(path: Path, values: np.ndarray, rate: int) -> None:
    soundfile.write(path, values.T, rate, subtype="FLOAT", format="WAV")


def _facts(values: np.ndarray, rate: int) -> dict[str, Any]:
    return {"duration": values.shape[1] / rate, "sample_rate": rate, "channels": len(values)}


def alter(task: Alter) -> dict[str, Any]:
    """Change a sound in all of its channels."""
    import torch

    interventions: Any = needs("otoscope.dsp.interventions", extra="app")
    values, rate = soundfile.read(task.path, dtype="float32", always_2d=True)
    signal, numbers = torch.from_numpy(np.ascontiguousarray(values.T)), task.change.values
    function = {"band_stop": "band_stop", "gap": "silent_gap", "f0": "scaled_f0"}[task.change.kind]
    changed = getattr(interventions, function)(signal, rate, *numbers).numpy().astype(np.float32)
    _write(task.out, changed, rate)
    return _facts(changed, rate) | {"sha256": None, "subtype": "FLOAT", "note": ""}


def synthesise(task: Synthesise) -> dict[str, Any]:
    """Make a built-in sound."""
    clip = vowel_clip(task.example.symbol, task.example.group)
    values, rate = np.atleast_2d(clip.values), int(clip.attrs["sample_rate"])
    _write(task.out, values, rate)
    return _facts(values, rate) | {"sha256": str(clip.attrs["sha256"]), "subtype": "synthesised", "note": ""}
