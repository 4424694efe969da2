"""Further networks whose place in time is known by construction: what a trace follows by arithmetic alone."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from known_nets import Builder, Known, Place, chain, seen, unet, whole
from probe_zoo import Written
from torch import Tensor, nn

TRACED: dict[str, Builder] = {}


def traced(builder: Builder) -> Builder:
    TRACED[builder.__name__] = builder
    return builder


@traced
def frames_with_padding_inside() -> Known:
    """Padding within a frame is zeros: an element does not see beyond its frame."""

    def forward(m: Any, x: Tensor) -> Tensor:
        frames = x.unflatten(-1, (-1, 100))[:, 0].flatten(0, 1)[:, None]
        return m.second(m.first(frames)).relu()

    model = Written(forward, first=nn.Conv1d(1, 4, 41, padding=20), second=nn.Conv1d(4, 4, 101, padding=50))
    places = {"first": Place((0,), 100, 41, 50), "relu": Place((0,), 100, 100, 49.5)}
    return Known(lambda: model, 4000, places)


@traced
def short_windows() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        z = torch.stft(x[:, 0], 512, 160, 400, window=torch.hamming_window(400), return_complex=True)
        return m.conv(torch.log(z.abs() + 1e-6)[:, None]).relu()

    place = chain(3, (400, 160, 1, 200), (3, 1, 1, 1))
    return Known(lambda: Written(forward, conv=nn.Conv2d(1, 4, 3, 1, 1)), 16000, {"conv": place, "relu": place})


@traced
def folded_back() -> Known:
    """Frames of 16 at a hop of 8, added where they overlap: each sample at its own place again."""

    def forward(m: Any, x: Tensor) -> Tensor:
        frames = F.unfold(x[:, :, None], (1, 16), stride=(1, 8))
        return m.conv(F.fold(frames, (1, x.shape[-1]), (1, 16), stride=(1, 8))[:, :, 0])

    return Known(lambda: Written(forward, conv=nn.Conv1d(1, 2, 3)), 800, {"conv": chain(2, (3, 1, 1, 0))})


@traced
def masked_spectrum() -> Known:
    """The inverse of a masked short-time transform, as enhancers have it."""

    def forward(m: Any, x: Tensor) -> Tensor:
        window = torch.hann_window(64)
        z = torch.stft(x[:, 0], 64, 16, window=window, return_complex=True)
        y = torch.istft(z * m.mask(z.abs()).sigmoid(), 64, 16, window=window, length=x.shape[-1])
        return m.conv(y[:, None])

    model = Written(forward, mask=nn.Conv1d(33, 33, 3, padding=1), conv=nn.Conv1d(1, 2, 1))
    # Four frames of 64 at 16 hold a sample, and the mask adds one at either end: five hops and a frame.
    mask = chain(2, (64, 16, 1, 32), (3, 1, 1, 1))
    return Known(lambda: model, 1600, {"mask": mask, "sigmoid": mask, "conv": Place((2,), 1, 64 + 5 * 16)})


@traced
def overlapping_transposed() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        a = m.first(x)
        m.decoded = m.last(torch.cat([a, m.up(m.down(a))], 1))
        return m.decoded

    model = Written(
        forward,
        first=nn.Conv1d(1, 8, 5, padding=2),
        down=nn.Conv1d(8, 8, 16, 4, 6),
        up=nn.ConvTranspose1d(8, 8, 16, 4, 6),
        last=nn.Conv1d(16, 1, 1),
    )
    first, last = seen(model, 4000, lambda m: m.decoded, 2000)
    decoded = Place((2,), 1, last - first + 1, (first + last) / 2 - 2000)
    down = chain(2, (5, 1, 1, 2), (16, 4, 1, 6))
    places = {"first": chain(2, (5, 1, 1, 2)), "down": down, "up": decoded, "last": decoded}
    return Known(lambda: model, 4000, places)


TRACED["decoder_linear"] = lambda: unet("linear", False)
TRACED["decoder_nearest"] = lambda: unet("nearest", False)


@traced
def causal_attention() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.conv(x).transpose(1, 2)
        scores = h @ h.mT
        weights = scores.exp() * torch.ones_like(scores).tril()
        return F.gelu(m.out(weights / weights.sum(-1, keepdim=True) @ h))

    model = Written(forward, conv=nn.Conv1d(1, 4, 160, 80), out=nn.Linear(4, 4))
    return Known(lambda: model, 8000, {"conv": chain(2, (160, 80, 1, 0)), "gelu": whole(1, 80, "before")})


@traced
def energy_normalised_by_a_loop() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        z = m.gabor(x)
        z = m.low(z[:, 0::2] ** 2 + z[:, 1::2] ** 2).clamp(min=1e-5)
        state, out = z[..., 0], []
        for frame in z.unbind(-1):
            state = 0.96 * state + 0.04 * frame
            out.append(state)
        return m.head((z / (1e-6 + torch.stack(out, -1)) ** 0.96 + 2.0) ** 0.5 - 2**0.5).relu()

    model = Written(
        forward,
        gabor=nn.Conv1d(1, 16, 401, padding=200),
        low=nn.Conv1d(8, 8, 401, 160, 200, groups=8),
        head=nn.Conv1d(8, 4, 3),
    )
    low = chain(2, (401, 1, 1, 200), (401, 160, 1, 200))
    head = whole(2, 160, "before")
    return Known(lambda: model, 8000, {"gabor": chain(2, (401, 1, 1, 200)), "low": low, "head": head, "relu": head})


@traced
def relative_attention() -> Known:
    """Scores as an equation, and values summed over time by another."""

    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.conv(x).transpose(1, 2).unflatten(-1, (2, 4))
        weights = torch.einsum("bqhd,bkhd->bhqk", h, h).softmax(-1)
        return F.gelu(m.out(torch.einsum("b h q k, b k h d -> b q h d", weights, h).flatten(2)))

    model = Written(forward, conv=nn.Conv1d(1, 8, 160, 80), out=nn.Linear(8, 4))
    place = chain(2, (160, 80, 1, 0))
    pairs = Place((2, 3), 80, whole="clip")
    return Known(lambda: model, 8000, {"conv": place, "softmax": pairs, "gelu": whole(1, 80)})
