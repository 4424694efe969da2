"""How features come to be: the same maps for the same sounds at the checkpoints of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from torch import Tensor, nn

from otoscope.audio import file_digest
from otoscope.citations import cite
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.sonify import of_channels, sounds_of_maps
from otoscope.models import checkpoint_files, fitting_weights, read_weights
from otoscope.probe import Rule, RuleName, rule_name
from otoscope.probe.select import Channels
from otoscope.probe.state import kept
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Progress, Wave

State = Mapping[str, Tensor]
Checkpoint = tuple[int | str, State | Callable[[], State]]
"""A number of steps or a name, and a state dict or a function that reads one, so that only one is held at a time."""


@method(
    source=cite("sonification", "section 5.3.3"),
    takes="wave",
    explains=True,
    rows=Rows(("channel", "checkpoint"), ("activity", "peak_frequency")),
    main="sonification",
)
def evolution(
    subject: Subject,
    wave: Wave,
    *,
    checkpoints: str | Path | Sequence[str | Path],
    layer: str,
    channels: Channels = None,
    n_maps: int = 1,
    rule: RuleName | Rule = "deconvnet",
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""What the same feature maps sound like at every checkpoint of a training.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    checkpoints : str or Path, or sequence of them
        Weights files or folders of them, sorted by the step in their names, see
        :func:`otoscope.models.checkpoint_files`.
    layer : str
        The tap whose maps are heard.
    channels : int, sequence of int, "all" or "layer", optional
        One map, several, every map by itself, or the whole layer at once. By default the `n_maps` maps that are most
        active at the last checkpoint.
    n_maps : int
        How many of the most active maps.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of checkpoints.

    Returns
    -------
    Dataset
        `sonification` (clip, checkpoint, channel, time), each scaled to the peak of its clip. Of each (clip,
        checkpoint, channel) `activity`, the root mean square of the map, which distinguishes a dead map from a loud
        one, and `peak_frequency`, the loudest of its sound from 50 Hz up, in Hz (NaN for silence). `input` (clip,
        time). Where the model heard several channels, both have the axis `input_channel` before `time`.

    Raises
    ------
    InputError
        If no checkpoint is given, one does not fit the model or gives activations that are not finite, or the model
        lacks the tap or the map.

    Notes
    -----
    Sounds and maps are held fixed and only the weights go back in training time, so that what changes is the feature.
    The model gets its own weights back, also after an error.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 30, stride=10), nn.ReLU())
    >>> run = Path(tempfile.mkdtemp())
    >>> for step in (0, 100):
    ...     torch.save(model.state_dict(), run / f"step{step}.pt")
    >>> evolution(Subject(model, sample_rate=8000), torch.randn(400), checkpoints=run, layer="1").activity.sizes
    Frozen({'checkpoint': 2, 'channel': 1})
    """
    files = checkpoint_files(checkpoints)

    def reader(path: Path) -> Callable[[], State]:
        return lambda: fitting_weights(subject.model, read_weights(path), path)

    result = sounds_of_checkpoints(
        subject,
        subject.inputs(wave),
        [(label, reader(path)) for label, path in files],
        layer=layer,
        channels=channels,
        n_maps=n_maps,
        rule=rule,
        progress=progress,
    )
    return resolved(
        result,
        layer=result.attrs["layer"],
        channels=result["channel"].values.tolist() if channels is None else channels,
        checkpoints={str(label): file_digest(path) for label, path in files},
    )


def sounds_of_checkpoints(
    subject: Subject,
    inputs: Tensor,
    checkpoints: Sequence[Checkpoint],
    *,
    layer: str,
    channels: Channels = None,
    n_maps: int = 1,
    rule: RuleName | Rule = "deconvnet",
    progress: Progress | None = None,
) -> xr.Dataset:
    """What :func:`evolution` returns, not signed, of inputs (clip, ..., time) and weights in the order of training."""
    _check(checkpoints)

    def sounds_at(checkpoint: Checkpoint, channels: Channels) -> xr.Dataset:
        _load(subject.model, checkpoint)
        try:
            return sounds_of_maps(subject, inputs, layer=layer, channels=channels, n_maps=n_maps, rule=rule)
        except InputError as error:
            raise InputError(f"{error} (with the weights of checkpoint {checkpoint[0]})") from None

    found = []
    with subject.lock, kept(subject.model, weights=True):
        if channels is None:
            channels = sounds_at(checkpoints[-1], None)["channel"].values.tolist()
        for done, checkpoint in enumerate(checkpoints, 1):
            found.append(sounds_at(checkpoint, channels))
            if progress:
                progress(done, len(checkpoints))
    first = found[0]
    names = ("sonification", "activity", "peak_frequency")
    joined = {
        str(name): xr.Variable(
            ("clip", "checkpoint", *first[name].dims[1:]), np.stack([one[name] for one in found], 1), first[name].attrs
        )
        for name in names
    }
    return xr.Dataset(
        {**joined, "input": _input(inputs)},
        coords={"checkpoint": _labels(checkpoints), **{name: one.variable for name, one in first.coords.items()}},
        attrs={"sample_rate": subject.sample_rate, "layer": first.attrs["layer"], "rule": rule_name(rule)},
    )


def _input(inputs: Tensor) -> xr.Variable:
    """Waveforms (clip, channel, time); a single channel has no axis."""
    of, _ = of_channels(inputs.shape[1])
    return variable(["clip", *of, "time"], inputs if of else inputs[:, 0], "input")


def _check(checkpoints: Sequence[Checkpoint]) -> None:
    if not checkpoints:
        raise InputError("no checkpoint was given")
    labels = [str(label) for label, _ in checkpoints]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise InputError(f"two checkpoints are called {twice!r}: give each a label of its own")


def _labels(checkpoints: Sequence[Checkpoint]) -> xr.Variable:
    labels = [label for label, _ in checkpoints]
    if all(isinstance(label, int) for label in labels):
        return axis("checkpoint", labels, "step")
    return axis("checkpoint", [str(label) for label in labels], "checkpoint")


def _load(model: nn.Module, checkpoint: Checkpoint) -> None:
    label, weights = checkpoint
    try:
        model.load_state_dict(weights() if callable(weights) else weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"checkpoint {label} does not fit the model: {reason[:300]}") from None
