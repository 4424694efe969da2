"""What can be built by name: the registry of architectures and the models that come with weights."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

from torch import nn

from otoscope.errors import InputError


class Architecture(NamedTuple):
    """How to build a model by name.

    Attributes
    ----------
    factory : str
        ``package.module:factory``, imported when first needed.
    about : str
        One line for listings.
    preset : mapping
        Options of the factory that are fixed for this name.
    head : str or None
        The weight with one row per class, from which ``n_classes`` of a checkpoint is read.
    """

    factory: str
    about: str
    preset: Mapping[str, Any] = {}
    head: str | None = None


def _headed(factory: str, about: str) -> Architecture:
    return Architecture(f"otoscope.models.{factory}", about, head="classifier.weight")


def _swam(front_end: str, about: str) -> Architecture:
    return Architecture("otoscope.models.swam:SWAM", about, {"front_end": front_end}, "classifier.weight")


ARCHITECTURES: dict[str, Architecture] = {
    "aasist": _headed("aasist:AASIST", "a small AASIST, sinc filters and graph attention (Jung et al. 2022), 16 kHz"),
    "cnn12": Architecture(
        "otoscope.models.cnn12:CNN12",
        "CNN12 encoder (Yadav 2022), 8 kHz, 14 M parameters",
        head="classifier.weight",
    ),
    "cnn12-x2": Architecture(
        "otoscope.models.cnn12:CNN12",
        "CNN12_x2 encoder, twice the filters (Yadav 2022), 8 kHz, 53 M parameters",
        {"width": 2},
        "classifier.weight",
    ),
    "inc-tssdnet": Architecture(
        "otoscope.models.tssdnet:IncTSSDNet",
        "Inc-TSSDNet, spoofed speech (Hua et al. 2021), 16 kHz, 6 s",
        head="out.weight",
    ),
    "leaf": _headed("leaf:LEAF", "LEAF front end, learnt Gabor filters (Zeghidour et al. 2021), 16 kHz"),
    "phone-cnn": _headed("speechcnn:PhoneCNN", "phone CNN (Muckenhirn et al. 2019), 16 kHz, 250 ms"),
    "res-tssdnet": Architecture(
        "otoscope.models.tssdnet:ResTSSDNet",
        "Res-TSSDNet, spoofed speech (Hua et al. 2021), 16 kHz, 6 s",
        head="out.weight",
    ),
    "simplenet-cnn": _headed("simplenet:SimpleNetCNN", "SimpleNet-CNN (SimpleNet 2018), 16 kHz, 6 s"),
    "simplenet-rnn": _headed("simplenet:SimpleNetRNN", "SimpleNet-RNN (SimpleNet 2018), 16 kHz"),
    "sincnet": _headed("sincnet:SincNet", "SincNet front end, learnt band edges (Ravanelli and Bengio 2018), 16 kHz"),
    "soundnet": _headed("soundnet:SoundNet", "SoundNet of 8 layers (Aytar et al. 2016), 22.05 kHz, 10 s"),
    "speaker-cnn": _headed("speechcnn:SpeakerCNN", "speaker CNN (Muckenhirn et al. 2019), 16 kHz, 250 ms"),
    "specnet": _headed("simplenet:SpecNet", "SpecNet, SimpleNet-CNN with fixed filters, 16 kHz, 6 s"),
    "stridednet": _headed("stridednet:StridedNet", "four convolutions with strides, or with poolings, 16 kHz"),
    "swam-segmental": _swam("segmental", "SWAM with first kernels of 300 samples, 16 kHz, 1 s"),
    "swam-subsegmental": _swam("subsegmental", "SWAM with first kernels of 30 samples, 16 kHz, 1 s"),
    "swam-multiresolution": _swam("multiresolution", "SWAM with first kernels of 10 to 500, 16 kHz, 1 s"),
    "vowelnet": Architecture(
        "otoscope.models.vowelnet:VowelNet", "VowelNet, three convolutions for synthetic vowels, 16 kHz"
    ),
    "wav2vec2": _headed("wav2vec2:Wav2Vec2", "a small wav2vec 2.0, to be trained (Baevski et al. 2020), 16 kHz"),
    "wavernn": _headed("wavernn:WaveRNN", "WaveRNN, windows of 40 ms and LSTM (Trigeorgis et al. 2016), 16 kHz"),
}

# folders in weights/, which come with the package
BUNDLED: dict[str, str] = {
    "fsdd-contrastive": "the network of fsdd-digit, trained without labels (SimCLR), 8 kHz; weights included",
    "fsdd-digit": "CNN12, narrow, trained on spoken digits (FSDD), 8 kHz; weights included",
    "fsdd-speaker": "the same network, trained on the speakers (FSDD), 8 kHz; weights included",
    "vowel-name": "VowelNet trained on twelve synthetic vowels, 16 kHz; weights included",
    "vowel-register": "VowelNet trained on low, mid and high voices, 16 kHz; weights included",
}


def available() -> dict[str, str]:
    """The names that `load` takes, each with a line about the model.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> available()["inc-tssdnet"]
    'Inc-TSSDNet, spoofed speech (Hua et al. 2021), 16 kHz, 6 s'
    """
    return {name: entry.about for name, entry in ARCHITECTURES.items()} | BUNDLED


def bundled_folder(name: str) -> Path:
    """Folder in the package with the configuration and weights of a bundled model."""
    return Path(__file__).parent / "weights" / name


def build(name: str, options: Mapping[str, Any]) -> nn.Module:
    """A freshly initialised model of a registered architecture.

    Parameters
    ----------
    name : str
        A key of ``ARCHITECTURES``.
    options : mapping
        Keyword arguments of its factory.

    Returns
    -------
    torch.nn.Module
        With ``name``, and ``config``: the architecture and all its options, as `save` writes them.

    Raises
    ------
    InputError
        If the name or an option is unknown or invalid.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"no architecture is called {name!r}{nearest(name, ARCHITECTURES)}")
    entry = ARCHITECTURES[name]
    module, _, attribute = entry.factory.partition(":")
    factory = getattr(import_module(module), attribute)
    defaults = _free_options(factory, entry.preset)
    unknown = [option for option in options if option not in defaults]
    if unknown:
        known = ", ".join(defaults) or "none"
        raise InputError(f"{name} has no option {unknown[0]!r}; its options: {known}")
    try:
        model = factory(**entry.preset, **options)
    except InputError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} cannot be built with {dict(options)}: {error}") from error
    if "name" not in options:
        model.name = name
    complete = {key: value for key, value in defaults.items() if value is not inspect.Parameter.empty}
    model.config = {"architecture": name, "options": complete | dict(options)}
    return cast(nn.Module, model)


def option_names(name: str) -> list[str]:
    """Options that `load` takes for a registered architecture."""
    module, _, attribute = ARCHITECTURES[name].factory.partition(":")
    return list(_free_options(getattr(import_module(module), attribute), ARCHITECTURES[name].preset))


def nearest(name: str, names: Iterable[str]) -> str:
    """The part of an error message that suggests close names and lists all."""
    plain = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower().replace("_", "-"), plain, n=2)
    hint = f"; did you mean {' or '.join(plain[match] for match in close)}?" if close else "."
    return f"{hint} Known: {', '.join(plain.values())}"


def _free_options(factory: Any, preset: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(factory).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in preset}
