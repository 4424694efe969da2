"""What the blocks of CNN12 answer to clips of any lengths, many clips at a time, as if each had been alone.

No convolution of CNN12 pads, so that the frames which lie wholly in a clip are the same whatever follows it: clips are
filled up to one length, and only those frames count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.contract import fill
from otoscope.data.items import DataSet
from otoscope.models import fitting_weights, load, read_weights
from otoscope.sounds import sounds_of
from otoscope.subject import Subject

LAYERS = 11
SHORTEST = 0.5
"""In s, of the clips that encoders are looked at with."""
_SAMPLES = 200_000
"""Of a batch."""


def subject_of(folder: Path, step: int | None = None) -> Subject:
    """The model of a training, or as it was after so many steps."""
    model: Any = load(str(folder))
    if step is not None:
        path = folder / "steps" / f"step={step}.safetensors"
        model.load_state_dict(fitting_weights(model, read_weights(path), path))
    return Subject(model.eval())


def blocks(model: nn.Module) -> list[str]:
    """The name of the last module of each block.

    Examples
    --------
    >>> from otoscope.models.cnn12 import CNN12
    >>> blocks(CNN12(width=0.05))[7:]
    ['pool8', 'relu9', 'relu10', 'relu11']
    """
    names = dict(_features(model).named_children())
    return [f"pool{n}" if f"pool{n}" in names else f"relu{n}" for n in range(1, LAYERS + 1)]


def up_to(model: nn.Module, layer: int) -> nn.Sequential:
    """The network up to the end of a block, 1 to 11."""
    features = _features(model)
    names = list(dict(features.named_children()))
    return nn.Sequential(*list(features)[: names.index(blocks(model)[layer - 1]) + 1])


def inputs_of(subject: Subject, data: DataSet, seconds: float | None = None) -> list[Tensor]:
    """Clips (1, 1, time) at the rate of the model, at most so long, and repeated to half a second at least.

    They are the same for all encoders, whatever length each was trained on: coherence depends on the length.
    """
    longest = None if seconds is None else round(seconds * subject.sample_rate)
    found = []
    for clip in sounds_of(subject, data):
        assert clip.wave is not None
        wave = torch.from_numpy(np.array(clip.wave.values, dtype=np.float32)).reshape(1, 1, -1)[..., :longest]
        found.append(fill(wave, round(SHORTEST * subject.sample_rate), "repeat"))
    return found


def frames(module: nn.Module, samples: int) -> int:
    """How many frames a convolution or pooling makes of so many."""
    if isinstance(module, (nn.Conv1d, nn.MaxPool1d)):
        kernel, stride = (
            one[0] if isinstance(one, tuple) else one
            for one in (module.kernel_size, module.stride or module.kernel_size)
        )
        return max(0, (samples - int(kernel)) // int(stride) + 1)
    return samples


def batches(clips: Sequence[Tensor]) -> Iterator[list[int]]:
    """The numbers of clips that run together, those of like lengths."""
    order = sorted(range(len(clips)), key=lambda n: clips[n].shape[-1])
    group: list[int] = []
    for number in order:
        if group and (len(group) + 1) * clips[number].shape[-1] > _SAMPLES:
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def filled(clips: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
    """Clips of one length (clip, 1, time), and the samples of each."""
    lengths = [clip.shape[-1] for clip in clips]
    batch = clips[0].new_zeros(len(clips), 1, max(lengths))
    for row, clip in zip(batch, clips, strict=True):
        row[..., : clip.shape[-1]] = clip[0]
    return batch, lengths


def mean_over_time(maps: Tensor, own: Sequence[int]) -> Tensor:
    """The mean (clip, channel) of the first frames of each clip of (clip, channel, time)."""
    count = torch.tensor(own, device=maps.device)
    inside = torch.arange(maps.shape[-1], device=maps.device) < count[:, None]
    return (maps * inside[:, None]).sum(-1) / count[:, None]


def peak_over_time(maps: Tensor, own: Sequence[int]) -> Tensor:
    """The largest value (clip, channel) of the first frames of each clip."""
    inside = torch.arange(maps.shape[-1], device=maps.device) < torch.tensor(own, device=maps.device)[:, None]
    return maps.masked_fill(~inside[:, None], -torch.inf).amax(-1)


@torch.no_grad()
def of_layers(
    model: nn.Module,
    clips: Sequence[Tensor],
    reduce: Mapping[str, Callable[[Tensor, Sequence[int]], Tensor]],
) -> dict[str, list[Tensor]]:
    """Of each block what is made of its maps, (clip, channel).

    Parameters
    ----------
    model : nn.Module
        CNN12 in evaluation mode.
    clips : sequence of Tensor, (1, 1, time)
    reduce : mapping of str to callable
        From maps (clip, channel, time) and the frames of each clip to numbers (clip, channel).

    Returns
    -------
    dict of str to list of Tensor
        Of each layer, by the name.

    Examples
    --------
    >>> from otoscope.models.cnn12 import CNN12
    >>> model, clips = CNN12(width=0.05).eval(), [torch.randn(1, 1, n) for n in (3000, 5000)]
    >>> found = of_layers(model, clips, {"mean": mean_over_time})["mean"]
    >>> alone = model.features(clips[0]).mean(-1)
    >>> bool(torch.allclose(found[10][:1], alone, atol=1e-5))
    True
    """
    ends = blocks(model)
    parts: dict[str, list[list[Tensor]]] = {name: [[] for _ in ends] for name in reduce}
    places: list[int] = []
    for group in batches(clips):
        maps, own = filled([clips[n] for n in group])
        places += group
        layer = 0
        for name, module in _features(model).named_children():
            maps, own = module(maps), [frames(module, one) for one in own]
            if layer < len(ends) and name == ends[layer]:
                for kind, function in reduce.items():
                    parts[kind][layer].append(function(maps, own))
                layer += 1
    back = torch.tensor(places).argsort()
    return {kind: [torch.cat(layer)[back] for layer in layers] for kind, layers in parts.items()}


class Pooled(nn.Module):
    """A network up to a block and the mean over time, of clips of any lengths."""

    def __init__(self, part: nn.Sequential) -> None:
        super().__init__()
        self.part = part

    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        """(clip, channel)"""
        maps, own = filled(clips)
        for module in self.part:
            maps, own = module(maps), [frames(module, one) for one in own]
        return mean_over_time(maps, own)


def _features(model: nn.Module) -> nn.Sequential:
    features = model.get_submodule("features")
    assert isinstance(features, nn.Sequential)
    return features
