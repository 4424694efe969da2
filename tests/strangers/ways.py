"""Ways of writing: activations by hand, layouts, several inputs and outputs, state, chance, precision, cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from strangers.by_hand import Ruled, passing
from strangers.stranger import Stranger, chain, endless

_A = chain((40, 8))
_B = chain((5, 1, 1, 2), after=_A)
_TWO = {"conv1": _A, "conv2": _B}


class Two(nn.Module):
    """Two convolutions and a linear layer, of which the networks below are made."""

    def __init__(self, inputs: int = 1, classes: int = 3) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(inputs, 8, 40, 8), nn.Conv1d(8, 10, 5, padding=2)
        self.fc = nn.Linear(10, classes)

    def maps(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(x))))

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.maps(x).mean(-1))


class ByHand(Two):
    """Activations that no function of torch has a name for."""

    def act(self, h: Tensor) -> Tensor:
        raise NotImplementedError

    def maps(self, x: Tensor) -> Tensor:
        return self.act(self.conv2(self.act(self.conv1(x))))


class Maximum(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return torch.maximum(h, torch.zeros_like(h))


class MaskTimes(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return h * (h > 0)


class Where(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return torch.where(h > 0, h, 0.1 * h)


class Clamp(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return h.clamp(min=0)


class Swish(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return h * torch.sigmoid(h)


class Magnitude(ByHand):
    def act(self, h: Tensor) -> Tensor:
        return torch.abs(h)


def _by_hand(function: Any, slope: Any) -> dict[str, Any]:
    return {"act": lambda model: lambda h: Ruled.apply(h, function(h.detach()), slope(h.detach()))}


def _logistic(h: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-h))


_RECTIFIED = _by_hand(lambda h: h * (h > 0), torch.ones_like)
HAND_WRITTEN = {
    "maximum": Stranger(Maximum, _TWO, rewrite=_RECTIFIED),
    "mask_times": Stranger(MaskTimes, _TWO, rewrite=_RECTIFIED),
    "where": Stranger(Where, _TWO, rewrite=_by_hand(lambda h: torch.where(h > 0, h, 0.1 * h), torch.ones_like)),
    "clamp": Stranger(Clamp, _TWO, rewrite=_RECTIFIED),
    "swish": Stranger(
        Swish,
        _TWO,
        rewrite=_by_hand(lambda h: h * _logistic(h), lambda h: _logistic(h) * (1 + h * (1 - _logistic(h)))),
    ),
    "magnitude": Stranger(Magnitude, _TWO, rewrite=_by_hand(torch.abs, torch.ones_like)),
}


class Maxout(nn.Module):
    """The larger of two halves, as light networks for spoofing have it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, 12, 40, 8), nn.Conv1d(6, 12, 3, padding=1)
        self.fc = nn.Linear(6, 3)

    @staticmethod
    def mfm(x: Tensor) -> Tensor:
        a, b = torch.split(x, x.shape[1] // 2, 1)
        return torch.max(a, b)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.mfm(self.conv2(self.mfm(self.conv1(x)))).mean(-1))


def _maxout_by_hand(model: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda x: passing(Maxout.mfm(x))


MAXOUT = Stranger(
    Maxout, {"conv1": _A, "conv2": chain((3, 1, 1, 1), after=_A)}, rewrite={"mfm": _maxout_by_hand}
)  # fmt: skip


@torch.jit.script
def _scripted_snake(x: Tensor, alpha: Tensor) -> Tensor:
    return x + torch.sin(alpha * x).pow(2) / (alpha + 1e-9)


class Scripted(Two):
    """Its activation is compiled by TorchScript."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, 1, 1))

    def maps(self, x: Tensor) -> Tensor:
        return self.act(self.conv2(self.act(self.conv1(x))))

    def act(self, x: Tensor) -> Tensor:
        return _scripted_snake(x, self.alpha)


def _unscripted(module: nn.Module) -> Callable[[Tensor], Tensor]:
    def act(x: Tensor) -> Tensor:
        h, alpha = x.detach(), module.alpha.detach()
        value, slope = h + torch.sin(alpha * h) ** 2 / (alpha + 1e-9), 1 + torch.sin(2 * alpha * h)
        return Ruled.apply(x, value, slope)

    return act


SCRIPTED = Stranger(Scripted, _TWO, rewrite={"act": _unscripted})


class Checkpointed(Two):
    """Its stages are computed again in the backward pass."""

    def stage(self, x: Tensor) -> Tensor:
        return F.relu(self.conv1(x))

    def maps(self, x: Tensor) -> Tensor:
        x = checkpoint(self.stage, x, use_reentrant=True)
        return checkpoint(lambda h: F.relu(self.conv2(h)), x, use_reentrant=False)


CHECKPOINTED = Stranger(Checkpointed, _TWO, cut=True)


# -- What a network takes --------------------------------------------------------------------------------


class Lengths(Two):
    """Means over the valid frames of each clip."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        maps = self.maps(x)
        frames = ((lengths - 40) // 8 + 1).clamp(max=maps.shape[-1])
        mask = torch.arange(maps.shape[-1]) < frames[:, None]
        return self.fc((maps * mask[:, None]).sum(-1) / frames[:, None])


_LENGTHS = torch.tensor([2500])
LENGTHS = Stranger(
    Lengths,
    _TWO,
    given={"model_inputs": {"lengths": _LENGTHS}},
    call=lambda model, wave: model(wave[None, None], _LENGTHS),
)


class Stereo(Two):
    def __init__(self) -> None:
        super().__init__(inputs=2)


STEREO = Stranger(
    Stereo,
    _TWO,
    call=lambda model, wave: model(torch.stack([wave, wave])[None]),
)


class BatchTime(Two):
    """(batch, time), as its statistics over the last axis need it."""

    def forward(self, x: Tensor) -> Tensor:
        x = (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-5)
        return super().forward(x.unsqueeze(1))


BATCH_TIME = Stranger(
    BatchTime, {name: endless(at) for name, at in _TWO.items()}, call=lambda model, wave: model(wave[None])
)  # fmt: skip


class TimeLast(Two):
    """(batch, time, 1), as recurrent networks have it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2))


TIME_CHANNEL = Stranger(TimeLast, _TWO, call=lambda model, wave: model(wave[None, :, None]))


class OneClip(Two):
    """(time,) in, (class,) out."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.dim() == 1
        return super().forward(x.view(1, 1, -1))[0]


ONE_CLIP = Stranger(OneClip, _TWO, call=lambda model, wave: model(wave)[None])


class BatchOfOne(Two):
    """Written for one clip at a time."""

    def forward(self, x: Tensor) -> Tensor:
        frames = x.squeeze().unfold(0, 80, 40)
        if frames.dim() != 2:
            raise ValueError("one clip at a time")
        return super().forward((x.squeeze() - frames.mean()).view(1, 1, -1))


BATCH_OF_ONE = Stranger(BatchOfOne, {name: endless(at) for name, at in _TWO.items()})


class BatchCoupled(Two):
    """Divides by the level of the whole batch, and normalises with the statistics of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8, track_running_stats=False)

    def maps(self, x: Tensor) -> Tensor:
        x = x / x.abs().max()
        return F.relu(self.conv2(F.relu(self.norm(self.conv1(x)))))


BATCH_COUPLED = Stranger(BatchCoupled, {name: endless(at) for name, at in _TWO.items()})


# -- What a network answers ------------------------------------------------------------------------------


class Embedding(Two):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.maps(x).mean(-1)
        return embedding, self.fc(embedding)


EMBEDDING = Stranger(
    Embedding, _TWO, given={"output": 1}, call=lambda model, wave: model(wave[None, None])[1]
)  # fmt: skip


class Named(Two):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = self.maps(x)
        return {"features": maps, "clipwise": self.fc(maps.amax(-1)), "framewise": self.fc(maps.transpose(1, 2))}


NAMED = Stranger(
    Named, _TWO, given={"output": "clipwise"}, call=lambda model, wave: model(wave[None, None])["clipwise"]
)  # fmt: skip


@dataclass
class Answer:
    loss: Tensor | None
    logits: Tensor
    hidden: Tensor


class DataclassAnswer(Two):
    def forward(self, x: Tensor) -> Answer:
        hidden = self.maps(x)
        return Answer(None, self.fc(hidden.mean(-1)), hidden)


DATACLASS = Stranger(
    DataclassAnswer, _TWO, given={"output": "logits"}, call=lambda model, wave: model(wave[None, None]).logits
)  # fmt: skip


class FrameLevel(Two):
    """Log-probabilities of symbols for each frame, (batch, frame, symbol)."""

    def scores(self, x: Tensor) -> Tensor:
        return self.fc(self.maps(x).transpose(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.scores(x), dim=-1)


FRAME_LEVEL = Stranger(
    FrameLevel,
    _TWO,
    explained=lambda model, wave: model.scores(wave[None, None]),
    target=lambda scores: scores[:, 40:60, 1].sum(1),
)


class Probabilities(Two):
    def __init__(self) -> None:
        super().__init__()
        self.softmax = nn.Softmax(dim=-1)
        with torch.no_grad():
            self.fc.weight.mul_(200)  # all but certain

    def forward(self, x: Tensor) -> Tensor:
        return self.softmax(Two.forward(self, x))


PROBABILITIES = Stranger(Probabilities, _TWO, explained=lambda model, wave: Two.forward(model, wave[None, None]))


class Detector(Two):
    """One probability, all but certain."""

    def __init__(self) -> None:
        super().__init__(classes=1)
        with torch.no_grad():
            self.fc.bias.fill_(120.0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(Two.forward(self, x)).squeeze(-1)


DETECTOR = Stranger(
    Detector, _TWO, explained=lambda model, wave: Two.forward(model, wave[None, None]), target=0
)  # fmt: skip


# -- State, chance, precision, cuts ----------------------------------------------------------------------


class Streaming(nn.Module):
    """Voice activity: keeps its hidden state, and what it heard last, between calls."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv1d(1, 10, 128, 64)
        self.rnn = nn.LSTM(10, 8, batch_first=True)
        self.decoder = nn.Conv1d(8, 2, 1)
        self.reset()

    def reset(self) -> None:
        self.state: tuple[Tensor, Tensor] | None = None
        self.context = torch.zeros(1, 1, 64)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.encoder(torch.cat([self.context.to(x).expand(len(x), 1, 64), x], -1)))
        self.context = x[:1, :, -64:].detach()
        out, self.state = self.rnn(h.transpose(1, 2), self.state)
        return self.decoder(F.relu(out.transpose(1, 2))).mean(-1)


_VAD = chain((128, 64, 1, 64))


def _from_rest(model: Any, wave: Tensor) -> Tensor:
    kept = model.state, model.context
    model.reset()
    try:
        return model(wave[None, None])
    finally:
        model.state, model.context = kept


STREAMING = Stranger(
    Streaming,
    {"encoder": _VAD, "relu": _VAD, "relu_2": endless(_VAD), "decoder": endless(_VAD)},
    call=_from_rest,
)


class MonteCarlo(Two):
    """Dropout stays on."""

    def maps(self, x: Tensor) -> Tensor:
        return F.dropout(super().maps(x), 0.3, training=True)


MONTE_CARLO = Stranger(MonteCarlo, _TWO, random=True)


class Half(Two):
    """In bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.bfloat16()


HALF = Stranger(Half, _TWO, call=lambda model, wave: model(wave[None, None].to(model.fc.weight)))


class DetachedGain(Two):
    """Divides by a level that takes no part in the gradient."""

    def maps(self, x: Tensor) -> Tensor:
        level = x.detach().abs().amax((1, 2), keepdim=True)
        return super().maps(x / (level + 1e-6))


DETACHED_GAIN = Stranger(DetachedGain, {name: endless(at) for name, at in _TWO.items()}, cut=True)


ZOO = HAND_WRITTEN | {
    "maxout": MAXOUT,
    "scripted": SCRIPTED,
    "checkpointed": CHECKPOINTED,
    "lengths": LENGTHS,
    "stereo": STEREO,
    "batch_time": BATCH_TIME,
    "time_channel": TIME_CHANNEL,
    "one_clip": ONE_CLIP,
    "batch_of_one": BATCH_OF_ONE,
    "batch_coupled": BATCH_COUPLED,
    "embedding": EMBEDDING,
    "named": NAMED,
    "dataclass": DATACLASS,
    "frame_level": FRAME_LEVEL,
    "probabilities": PROBABILITIES,
    "detector": DETECTOR,
    "streaming": STREAMING,
    "monte_carlo": MONTE_CARLO,
    "half": HALF,
    "detached_gain": DETACHED_GAIN,
}
