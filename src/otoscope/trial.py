"""What a model takes and does, found by running it on noise: its layout, whether clips meet, whether calls agree."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.contract import Calls, Clips, Contract, Layout
from otoscope.errors import InputError
from otoscope.network import Network
from otoscope.probe.answer import output_tensor, tensors_of
from otoscope.probe.draws import Draws, draw_from
from otoscope.probe.listen import evaluating
from otoscope.probe.state import random_kept

REFUSALS = (Exception,)
"""By which models say no to a sound."""

MOST_CHANNELS = 8
_QUIET, _LOUD = 0.1, 1.0  # standard deviations of noise
_JITTER = 1e-5  # by which two passes may differ: a recurrent layer may do so in the last digits
_FEATURES = frozenset("input_features mel mels spectrogram spectrograms spec specs fbank log_mel logmel".split())
_SOUNDS = frozenset("waveform waveforms wave wav wavs audio audios signal signals speech sound x input inputs".split())
_USUAL = ("(batch, 1, time)", "(batch, time)")


@dataclass
class Trial:
    """How a model answers to sounds of one layout.

    Attributes
    ----------
    contract : Contract
        With the layout and channels that were tried, and what was found.
    shape : tuple of int
        Of the tensor that the model was given.
    error : Exception or None
        By which the model refused it.
    answer : list of Tensor
        To one clip.
    hears : bool
        Whether the answer depends on the sound.
    rank : int
        Smaller where the answer keeps the clips of a batch, and keeps them apart.
    """

    contract: Contract
    shape: tuple[int, ...]
    error: Exception | None = None
    answer: list[Tensor] = field(default_factory=list)
    hears: bool = True
    rank: int = 0


class Refused(Exception):
    """A model takes a sound in none of the layouts; `trials` say why."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        super().__init__("no layout is taken")
        self.trials = trials


def find_layout(network: Network, name: str, samples: int, like: Tensor) -> Contract:
    """The contract with the layout that a model takes, and whether its clips meet.

    A model may take several layouts without complaint. Meant is the one in which its answer has one entry for each clip
    of a batch, and depends on the sound.

    Parameters
    ----------
    network : Network
        Its contract is left as it is.
    name : str
        Of the model, for messages.
    samples : int
        Length of the noise that it is run on.
    like : Tensor
        Whose device and type the noise has.

    Raises
    ------
    Refused
        If the model takes no layout.
    InputError
        If two layouts fit, and the answers differ; the model takes no single clip; or the layout that is stated loses
        the clips, and another does not.
    """
    check_arguments(network, name)
    stated = network.contract
    several: Layout = "(batch, channel, time)"
    layouts = [stated.layout] if stated.layout else [one for one in get_args(Layout) if one != several]
    if stated.layout is None and (stated.channels or 1) > 1:  # a model that mixes them may take a single one as well
        layouts = [several]
    trials = [try_layout(network, stated.changed(layout=one), samples, like) for one in layouts]
    if all(trial.error for trial in trials) and stated.layout in (None, several) and not stated.channels:
        for channels in range(2, MOST_CHANNELS + 1):
            trials.append(try_layout(network, stated.changed(layout=several, channels=channels), samples, like))
    fitting = [trial for trial in trials if trial.error is None]
    if not fitting:
        _check_batch(network, name, trials, samples, like)
        _check_pairs(network, name, trials, samples, like)
        raise Refused(trials)
    if stated.layout not in (None, "(time,)") and fitting[0].contract.clip_axis == "lost":
        _check_others(network, name, samples, like)
    best = min(map(_place, fitting))
    chosen = [trial for trial in fitting if _place(trial) == best]
    chosen.sort(key=lambda trial: _axes(trial.answer))
    for other in chosen[1:]:
        if not _same_answer(chosen[0].answer, other.answer) and chosen[0].contract.layout != other.contract.layout:
            one, two = chosen[0].contract.layout, other.contract.layout
            raise InputError(
                f"{name} takes {one} and {two}, and answers differently: say which it is meant to take, by "
                f'layout="{two}" (--layout "{two}" on the command line), an attribute `layout` of the model or its '
                "contract"
            )
    return chosen[0].contract


def _check_others(network: Network, name: str, samples: int, like: Tensor) -> None:
    """Raise an InputError where a stated layout loses the clips of a batch, and another keeps them."""
    stated = network.contract
    for layout in get_args(Layout):
        if layout in (stated.layout, "(time,)", "(batch, channel, time)"):
            continue
        other = try_layout(network, stated.changed(layout=layout), samples, like)
        if other.error is None and other.contract.clip_axis == "kept":
            raise InputError(
                f"{name} is said to take {stated.layout}, and its answer to that has no entry for each clip; to "
                f'{layout} it has: leave the layout out, or give layout="{layout}" (--layout "{layout}" on the '
                "command line)"
            )


def _place(trial: Trial) -> tuple[bool, bool, int, bool]:
    """By which the layouts that a model takes are ordered; what is rare is meant where nothing usual fits as well.

    A model may be so sure that noise does not move its answer: a layout that loses the clips is not taken for that.
    """
    lost = trial.contract.clip_axis == "lost"
    return lost, not trial.hears, trial.rank, trial.contract.layout not in _USUAL


def _axes(answer: Sequence[Tensor]) -> tuple[bool, int]:
    """By which equal answers are ordered: (clip, class) before (clip, 1, class), and before (clip,)."""
    most = max((one.ndim for one in answer), default=0)
    return most < 2, most


def try_layout(network: Network, contract: Contract, samples: int, like: Tensor) -> Trial:
    """Run a model on one clip, and on that clip beside others."""
    tried = network.under(contract.changed(clips="apart"))
    channels = contract.channels or 1
    clip, loud, quiet = (noise(samples, channels, like, seed, level) for seed, level in _NOISES)
    trial = Trial(contract, tuple(contract.arrange(clip).shape))
    try:
        trial.answer = answers(tried, clip)
    except REFUSALS as error:
        trial.error = error
        return trial
    clips: Clips = "alone"
    both = _pair(tried, trial.answer, clip, loud)
    if both is None:
        trial.hears = not _near(trial.answer, _try(tried, loud) or trial.answer)
    else:
        beside = _pair(tried, trial.answer, clip, quiet)
        trial.hears = not _near([one[0] for one in both], [one[1] for one in both])
        alike = beside is not None and _near([one[0] for one in both], [one[0] for one in beside])
        clips = "apart" if alike else "meet"
    lost = not any(one.ndim > (contract.layout == "(time,)") and len(one) == 1 for one in trial.answer)
    trial.contract = contract.changed(clips=clips, clip_axis="lost" if lost else "kept")
    ranks = {("apart", False): 0, ("meet", False): 1, ("apart", True): 2, ("meet", True): 3, ("alone", False): 4}
    trial.rank = ranks.get((clips, lost), 4 if contract.layout == "(time,)" else 5)
    return trial


def _pair(network: Network, alone: Sequence[Tensor], clip: Tensor, other: Tensor) -> list[Tensor] | None:
    """What a model answers to two clips, as far as it has an entry for each; None where nothing has."""
    if network.contract.layout == "(time,)":
        return None
    both = _try(network, torch.cat([clip, other])) or []
    if len(both) != len(alone):
        return None
    entries = [
        two
        for one, two in zip(alone, both, strict=True)
        if two.ndim and len(two) == 2 and (two.ndim > one.ndim or len(one) == 1)
    ]
    return entries or None


def _try(network: Network, inputs: Tensor) -> list[Tensor] | None:
    try:
        return answers(network, inputs)
    except REFUSALS:
        return None


def find_calls(network: Network, samples: int, like: Tensor) -> Calls:
    """Whether two equal calls of a model give the same answer."""
    clip = noise(samples, network.contract.channels or 1, like, *_NOISES[0])
    first, second, drew = _two_calls(network, clip, 0)
    if not _near(first, second):
        again = answers(network, clip)
        if _near(first, again, 1e-2):
            return "state"
        return "random" if drew and not _near(again, answers(network, clip)) else "outside"
    return "random" if drew and not _near(first, _two_calls(network, clip, 1)[0]) else "equal"


def _two_calls(network: Network, clip: Tensor, seed: int) -> tuple[list[Tensor], list[Tensor], bool]:
    """The answer from a seed, that of another call from it, and whether numbers were drawn."""
    with drawing(seed), torch.no_grad(), evaluating(network):
        draws = Draws(network)
        draws.start(seed)
        first = _answers(network, clip)
        drew = draws.drew()
        draws.start(seed)
        return first, _answers(network, clip), drew


def answers(network: nn.Module, inputs: Tensor, seed: int = 0) -> list[Tensor]:
    """The output that is looked at, or all outputs where it has yet to be chosen."""
    with drawing(seed), torch.no_grad(), evaluating(network):
        return _answers(network, inputs)


def _answers(network: Any, inputs: Tensor) -> list[Tensor]:
    answer = network.ask(inputs.clone())  # which the model may overwrite
    try:
        found = [output_tensor(answer, network.contract.output)]
    except InputError:
        found = [one for _, one in tensors_of(answer)]
    return [one.detach().clone() for one in found]


def noise(samples: int, channels: int, like: Tensor, seed: int, level: float) -> Tensor:
    """One clip (1, channel, time) of white noise."""
    drawn = np.random.default_rng(seed).standard_normal((1, channels, samples))
    return torch.from_numpy(level * drawn).to(like)


_NOISES = ((0, _QUIET), (1, _LOUD), (2, 0.1 * _QUIET))


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Random numbers from a seed, and afterwards those that would have come without it."""
    with random_kept():
        draw_from(seed)
        yield


def _near(ones: Sequence[Tensor], others: Sequence[Tensor], tolerance: float = _JITTER) -> bool:
    """Whether answers are the same but for rounding."""
    return len(ones) == len(others) and all(map(lambda a, b: _near_each(a, b, tolerance), ones, others))


def _near_each(one: Tensor, other: Tensor, tolerance: float) -> bool:
    if one.shape != other.shape or one.numel() == 0:
        return one.shape == other.shape
    if not (one.is_floating_point() or one.is_complex()):
        return bool((one == other).all())
    rounding = max(tolerance, 16 * torch.finfo(one.dtype).eps)
    difference, size = (one - other).abs(), torch.maximum(one.abs(), other.abs())
    known = difference.isfinite()
    return bool((one.isfinite() == other.isfinite()).all()) and (
        not known.any() or bool(difference[known].max() <= rounding * size[known].max())
    )


def _same_answer(ones: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether two layouts have the same answer, but for axes of one element."""
    return _near([one.flatten() for one in ones], [one.flatten() for one in others], 1e-3)


# -- Why a model takes no sound ---------------------------------------------------------------------------


def check_arguments(network: Network, name: str) -> None:
    """Raise an InputError where the forward pass needs more than a sound, and that was not given."""
    try:
        parameters = inspect.signature(network.model.forward).parameters
    except (TypeError, ValueError):  # as of a scripted module
        return
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    takers = [key for key, one in parameters.items() if one.kind in (*by_name, inspect.Parameter.POSITIONAL_ONLY)]
    needed = [key for key, one in parameters.items() if one.default is one.empty and one.kind in by_name]
    sound = next(iter(takers), "")
    missing = [key for key in needed if key != sound and key not in network.given]
    if missing:
        raise InputError(
            f"the forward pass of {name} needs {' and '.join(missing)} beside the sound {sound!r}: give "
            f"{'it' if len(missing) == 1 else 'them'} once, in Python as Scope(model, model_inputs={{{missing[0]!r}: "
            "...}): a tensor, a number, or a function of the tensor that the model is given. For the command line, "
            "wrap the model in a module of your own that takes the sound alone, and give file.py:Class"
        )
    unknown = [key for key in network.given if key not in parameters]
    if unknown and not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        raise InputError(
            f"the forward pass of {name} has no argument {unknown[0]!r}; its arguments are {', '.join(parameters)}"
        )


def takes_features(model: nn.Module, errors: Sequence[Exception]) -> str:
    """What says that a model which refuses waveforms takes spectrograms; "" where nothing does."""
    config = getattr(model, "config", None)
    if getattr(model, "main_input_name", None) == "input_features" or hasattr(config, "num_mel_bins"):
        return f"{type(model).__name__} takes spectrograms, not waveforms"
    try:
        first = next(iter(inspect.signature(model.forward).parameters), "")
    except (TypeError, ValueError):
        first = ""
    if first in _FEATURES:
        return f"its forward pass takes {first!r}: spectrograms, not waveforms"
    wanted = {int(one) for error in errors for one in re.findall(r"to have (\d+) channels", str(error))}
    if wanted and min(wanted) > MOST_CHANNELS:
        return f"its first layer reads {min(wanted)} channels: it takes spectrograms or other features, not waveforms"
    return ""


class _Batch(dict[str, Any]):
    """A batch with every entry, that notes what is asked for."""

    def __init__(self, entry: Tensor) -> None:
        super().__init__()
        self.entry, self.asked = entry, dict[str, None]()

    def __missing__(self, key: Any) -> Tensor:
        if not isinstance(key, str):
            raise KeyError(key)
        self.asked[key] = None
        return self.entry

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        return self[key]


def _check_batch(network: Network, name: str, trials: Sequence[Trial], samples: int, like: Tensor) -> None:
    """Raise an InputError where the forward pass takes a batch of a data loader: a mapping, or a tuple."""
    batch = _Batch(noise(samples, 1, like, *_NOISES[0])[:, 0])
    with suppress(*REFUSALS), drawing(0), torch.no_grad(), evaluating(network):
        network.model(batch, **network.given)
    if asked := list(batch.asked):
        sound = next((key for key in asked if key.lower() in _SOUNDS), asked[0])
        reason = f"asks what it is given for {' and '.join(map(repr, asked))}: it takes a mapping"
        given = "{" + ", ".join(f'"{key}": {"waveform" if key == sound else "..."}' for key in asked) + "}"
    elif count := next((found for trial in trials if (found := _unpacked(trial)) > 1), 0):
        reason = f"takes what it is given apart into {count}: it takes a tuple"
        given = f"(waveform{', ...' * (count - 1)})"
    else:
        return
    tried = ", ".join(str(trial.shape) for trial in trials if len(trial.shape) < 3 or trial.shape[1] == 1)
    raise InputError(
        f"the forward pass of {name} {reason}, as a data loader gives it, and not a waveform; tried were tensors of "
        f"the shapes {tried}. Wrap it in a module that takes a waveform, and give that:\n"
        "class Wrapped(torch.nn.Module):\n"
        "    def __init__(self, model): super().__init__(); self.model = model\n"
        f"    def forward(self, waveform): return self.model({given})"
    )


def _unpacked(trial: Trial) -> int:
    """Into how many parts a model takes apart a single clip, as its error says."""
    found = re.search(r"not enough values to unpack \(expected (\d+), got 1\)", str(trial.error))
    return int(found[1]) if found and len(trial.shape) > 1 else 0


def _check_pairs(network: Network, name: str, trials: Sequence[Trial], samples: int, like: Tensor) -> None:
    """Raise an InputError where a model that refuses a single clip takes two."""
    for trial in trials:
        if trial.contract.layout == "(time,)":
            continue
        tried = network.under(trial.contract.changed(clips="apart"))
        clips = [noise(samples, trial.contract.channels or 1, like, seed, level) for seed, level in _NOISES[:2]]
        if _try(tried, torch.cat(clips)) is None:
            continue
        raise InputError(
            f"{name} takes no single clip, only several at once, so that its answer to one would depend on those "
            "beside it: does it normalise over the batch, as batch normalisation without running statistics does? The "
            f"model's error for one clip: {describe(trial.error)}"
        )


def describe(error: BaseException | None) -> str:
    """An error in a line, with its kind where that says more than its words."""
    text = str(error).strip().partition("\n")[0]
    kind = type(error).__name__
    return text if isinstance(error, RuntimeError) and text else f"{kind}: {text}" if text else kind
