"""Otoscope looks into the ear of a neural network: what a raw-waveform model hears, shown, played and measured."""

from otoscope._version import __version__
from otoscope.audio import load_audio, write_audio
from otoscope.compare import compare
from otoscope.errors import InputError
from otoscope.models import load
from otoscope.probe import backproject, read_taps, trace, vjp
from otoscope.scope import Scope

__all__ = [
    "InputError",
    "Scope",
    "__version__",
    "backproject",
    "compare",
    "load",
    "load_audio",
    "read_taps",
    "trace",
    "vjp",
    "write_audio",
]
