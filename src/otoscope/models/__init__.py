"""The model zoo, and loading of any model.

`load` takes everything that Otoscope calls a MODEL, `available` lists the names, and `ARCHITECTURES` is the registry.
An architecture of your own can be loaded and saved by name after one entry::

    ARCHITECTURES["mine"] = Architecture("my_package.net:Net", "what it is")

`save` writes a checkpoint folder, and `Published` of `otoscope.models.hub` uploads it to the Hugging Face Hub.
"""

from __future__ import annotations

from typing import Any

from otoscope.models.aasist import AASIST
from otoscope.models.checkpoints import fit_weights, fitting_weights, read_weights, save
from otoscope.models.cnn12 import CNN12
from otoscope.models.initialisers import start_from_bands
from otoscope.models.leaf import LEAF
from otoscope.models.resolve import load
from otoscope.models.runs import checkpoint_files
from otoscope.models.simplenet import SimpleNetCNN, SimpleNetRNN, SpecNet
from otoscope.models.sincnet import SincNet
from otoscope.models.soundnet import SoundNet
from otoscope.models.speechcnn import PhoneCNN, SpeakerCNN
from otoscope.models.stridednet import StridedNet
from otoscope.models.swam import SWAM
from otoscope.models.tssdnet import IncTSSDNet, ResTSSDNet
from otoscope.models.vowelnet import VowelNet
from otoscope.models.wav2vec2 import Wav2Vec2
from otoscope.models.wavernn import WaveRNN
from otoscope.models.zoo import ARCHITECTURES, Architecture, available
from otoscope.results import weights_digest

__all__ = [
    "AASIST",
    "ARCHITECTURES",
    "CNN12",
    "LEAF",
    "SWAM",
    "Architecture",
    "IncTSSDNet",
    "PhoneCNN",
    "ResTSSDNet",
    "SimpleNetCNN",
    "SimpleNetRNN",
    "SincNet",
    "SoundNet",
    "SpeakerCNN",
    "SpecNet",
    "StridedNet",
    "VowelNet",
    "Wav2Vec2",
    "WaveRNN",
    "available",
    "checkpoint_files",
    "fit_weights",
    "fitting_weights",
    "load",
    "read_weights",
    "save",
    "start_from_bands",
    "weights_digest",
]


def __getattr__(name: str) -> Any:
    """Import what needs an extra on first use."""
    if name == "Published":
        from otoscope.models.hub import Published

        return Published
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
