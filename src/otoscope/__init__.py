"""Otoscope looks into the ear of a neural network: what a raw-waveform model hears, shown, played and measured."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otoscope._version import __version__

if TYPE_CHECKING:
    from otoscope.audio import load_audio, write_audio
    from otoscope.comparison import compare
    from otoscope.contract import Contract
    from otoscope.errors import InputError
    from otoscope.evaluation import evaluate
    from otoscope.models import load
    from otoscope.opened import open_any as open
    from otoscope.probe import backproject, read_taps, trace, vjp
    from otoscope.scope import Scope
    from otoscope.sweeps import sweep
    from otoscope.types import Excerpt

__all__ = [
    "Contract",
    "Excerpt",
    "InputError",
    "Scope",
    "__version__",
    "backproject",
    "compare",
    "evaluate",
    "load",
    "load_audio",
    "open",
    "read_taps",
    "sweep",
    "trace",
    "vjp",
    "write_audio",
]

_PLACES = {  # imported when asked for, so that the command line can answer without torch
    "Contract": "contract:Contract",
    "Excerpt": "types:Excerpt",
    "InputError": "errors:InputError",
    "Scope": "scope:Scope",
    "backproject": "probe:backproject",
    "compare": "comparison:compare",
    "evaluate": "evaluation:evaluate",
    "load": "models:load",
    "load_audio": "audio:load_audio",
    "open": "opened:open_any",
    "read_taps": "probe:read_taps",
    "sweep": "sweeps:sweep",
    "trace": "probe:trace",
    "vjp": "probe:vjp",
    "write_audio": "audio:write_audio",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'otoscope' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(f"otoscope.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
