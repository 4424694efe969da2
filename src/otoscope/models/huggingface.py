"""Hugging Face audio models as modules from a waveform to a tensor."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from otoscope.contract import WRAP
from otoscope.errors import InputError
from otoscope.models.checkpoints import first_of
from otoscope.optional import needs

# endings of a checkpoint's class name, and the transformers class that loads it with its head
_HEADS = {
    "ForSequenceClassification": "AutoModelForAudioClassification",
    "ForAudioClassification": "AutoModelForAudioClassification",
    "ForAudioFrameClassification": "AutoModelForAudioFrameClassification",
    "ForXVector": "AutoModelForAudioXVector",
    "ForCTC": "AutoModelForCTC",
}
_OPTIONS = ("revision", "local_files_only")
_ONLY_IN_TRAINING = "masked_spec_embed"  # a weight that many checkpoints lack, and that no answer depends on


class HuggingFaceModel(nn.Module):
    """A transformers model that takes (batch, 1, time) and returns logits, or its last hidden state by that name.

    Parameters
    ----------
    network : torch.nn.Module
        A transformers model on waveforms (batch, time), as wav2vec 2.0, HuBERT or WavLM.
    sample_rate : int
        Hz.
    normalize : bool
        Normalise each clip to mean 0 and variance 1 first, as the model's feature extractor does.
    name : str
        Its name in results.

    Notes
    -----
    The output is the logits if the model has a head, else ``{"last_hidden_state": (batch, frame, channel)}``. The
    normalisation is part of the forward pass, so gradients pass through it on their way to the waveform.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> class Mean(nn.Module):
    ...     config = SimpleNamespace()
    ...     def forward(self, x):
    ...         return SimpleNamespace(logits=x.mean(-1, keepdim=True))
    >>> HuggingFaceModel(Mean(), 16000, normalize=False)(torch.ones(2, 1, 400)).shape
    torch.Size([2, 1])
    """

    input_length: int | None = None
    padding: str = "zeros"
    weights_are: str | None = None

    def __init__(self, network: nn.Module, sample_rate: int, normalize: bool, name: str = "hf") -> None:
        super().__init__()
        self.network = network
        self.sample_rate = sample_rate
        self.normalize = normalize
        self.name = name
        self.classes = _classes(network)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Logits or last hidden state of clips (batch, 1, time)."""
        clips = waveform.squeeze(1)
        if self.normalize:
            clips = clips - clips.mean(-1, keepdim=True)
            clips = clips / (clips.square().mean(-1, keepdim=True) + 1e-7).sqrt()
        output = self.network(clips)
        logits: torch.Tensor | None = getattr(output, "logits", None)
        return {"last_hidden_state": output.last_hidden_state} if logits is None else logits


def from_hub(name: str, **options: Any) -> HuggingFaceModel:
    """Load a Hugging Face audio model by name or from a folder.

    Parameters
    ----------
    name : str
        ``org/name`` on the hub, or a folder that ``save_pretrained`` wrote.
    **options
        ``revision`` and ``local_files_only``, as in transformers. Code from the Hub is never run.

    Returns
    -------
    HuggingFaceModel

    Raises
    ------
    InputError
        If transformers is not installed, or the model cannot be found or read, or does not take waveforms, or none of
        its weights is in the checkpoint.

    Examples
    --------
    >>> from_hub("no/such-model", local_files_only=True)
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: hf:no/such-model cannot be loaded...
    """
    unknown = [option for option in options if option not in _OPTIONS]
    if unknown:
        raise InputError(f"hf:{name} has no option {unknown[0]!r}; its options: {', '.join(_OPTIONS)}")
    transformers = needs("transformers", extra="hf", purpose=f"hf:{name}")
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False, **options)
        _check_waveforms(transformers, config, name)
        rate, normalize = _preparation(transformers, name, options)
        with _silent(transformers):
            network, missing = _loaded(transformers, config, name, options)
    except InputError:
        raise
    except Exception as error:  # hub, cache and file errors come in many kinds, with their cause in words
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"hf:{name} cannot be loaded (offline, misspelt, or not a transformers model?): {reason}"
        ) from error
    model = HuggingFaceModel(network, rate, normalize, name)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        model.weights_are = f"not all in the checkpoint: {first_of(missing, 1)} {verb} random"
    return model


def _loaded(transformers: Any, config: Any, name: str, options: dict[str, Any]) -> tuple[Any, list[str]]:
    """A model with the head that its configuration names, or that its weights fit, and the weights that it lacks."""
    stored, named = _named(config)
    loads = {"trust_remote_code": False, "output_loading_info": True, **options}
    network, info = getattr(transformers, named).from_pretrained(name, **loads)
    if not stored and info["unexpected_keys"]:
        for auto in dict.fromkeys(_HEADS.values()):
            if type(config) not in getattr(transformers, auto)._model_mapping:
                continue
            other, found = getattr(transformers, auto).from_pretrained(name, **loads)
            if not found["unexpected_keys"] and not found["missing_keys"]:
                network, info = other, found
                break
    names = list(network.state_dict())
    missing = [one for one in names if one in info["missing_keys"] and not one.endswith(_ONLY_IN_TRAINING)]
    if names and len(info["missing_keys"]) == len(names):
        raise InputError(
            f"hf:{name}: no weight of {type(network).__name__} is in the checkpoint, which holds "
            f"{first_of(sorted(info['unexpected_keys']))}: name its class in config.json under architectures"
        )
    return network, missing


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """Without the progress and the reports of transformers: what is missing is said in every result."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _named(config: Any) -> tuple[str, str]:
    """The class that a configuration names, "" for none, and what loads it."""
    stored = (getattr(config, "architectures", None) or [""])[0]
    return stored, next((auto for ending, auto in _HEADS.items() if stored.endswith(ending)), "AutoModel")


def _check_waveforms(transformers: Any, config: Any, name: str) -> None:
    """Raise an InputError where the configuration is that of a model of spectrograms."""
    cls = getattr(transformers, _named(config)[1])._model_mapping.get(type(config), None)
    if getattr(cls, "main_input_name", None) == "input_features" or hasattr(config, "num_mel_bins"):
        raise InputError(f"hf:{name} takes spectrograms ({type(config).__name__}), not waveforms. {WRAP}")


def _preparation(transformers: Any, name: str, options: dict[str, Any]) -> tuple[int, bool]:
    """Sample rate and normalisation of the model's feature extractor."""
    try:
        automatic = transformers.AutoFeatureExtractor
        extractor = automatic.from_pretrained(name, trust_remote_code=False, **options)
    except (OSError, ValueError):
        warnings.warn(
            f"hf:{name} has no preprocessor_config.json; a sample rate of 16000 Hz and no normalisation are assumed",
            stacklevel=2,
        )
        return 16000, False
    if getattr(extractor, "feature_size", 1) != 1 or hasattr(extractor, "num_mel_bins"):
        raise InputError(f"hf:{name} takes spectrograms ({type(extractor).__name__}), not waveforms. {WRAP}")
    return int(extractor.sampling_rate), bool(getattr(extractor, "do_normalize", False))


def _classes(network: nn.Module) -> tuple[str, ...] | None:
    """Class names of a classifier."""
    names = getattr(getattr(network, "config", None), "id2label", None)
    if not names or not type(network).__name__.endswith(("SequenceClassification", "AudioClassification")):
        return None
    return tuple(str(names[index]) for index in sorted(names))
