"""Networks whose place in time is known by construction, in the ways that break readings of it.

Truth comes from the chain rule of windows (`chain`), from the construction itself, or, for decoders, from which samples
change one output sample (`seen`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """Where a tap is in time; `centre` is None where several are right, `field` where the whole clip is seen."""

    axes: tuple[int, ...] = ()
    hop: float | None = None
    field: int | None = None
    centre: float | None = None
    whole: str = ""


@dataclass(frozen=True)
class Known:
    """A network, a clip that it takes, and the places of taps; `cut` where no gradient leads through."""

    build: Callable[[], nn.Module]
    samples: int
    places: dict[str, Place]
    cut: bool = False


Step = tuple[int, int, int, int]  # kernel, stride, dilation, padding
Builder = Callable[[], Known]
NETS: dict[str, Builder] = {}


def net(builder: Builder) -> Builder:
    NETS[builder.__name__] = builder
    return builder


def chain(axis: int, *steps: Step) -> Place:
    """Windows one after another."""
    hop, field, first = 1, 1, 0
    for kernel, stride, dilation, padding in steps:
        first -= padding * hop
        field += (kernel - 1) * dilation * hop
        hop *= stride
    return Place((axis,), hop, field, first + (field - 1) / 2)


def whole(axis: int, hop: float, side: str = "clip") -> Place:
    return Place((axis,), hop, whole=side)


def seen(model: nn.Module, samples: int, value: Callable[[nn.Module], Tensor], j: int) -> tuple[int, int]:
    """First and last sample that change element `j` of a value, by gradients of positive weights."""
    x = torch.rand(1, 1, samples, dtype=torch.float64).requires_grad_()
    model = model.double()
    model(x)
    (grad,) = torch.autograd.grad(value(model)[..., j].sum(), x)
    model.float()
    at = grad[0, 0].nonzero()
    return int(at[0]), int(at[-1])


@net
def dead_activations() -> Known:
    model = nn.Sequential(
        nn.Conv1d(1, 8, 30, 10), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(8, 8, 5, 2, 2, 3), nn.ReLU6(),
        nn.Conv1d(8, 4, 3), nn.AdaptiveAvgPool1d(1),
    )  # fmt: skip
    with torch.no_grad():
        model[0].bias.fill_(-100.0)
        model[3].bias.fill_(100.0)
    steps = [(30, 10, 1, 0), (3, 3, 1, 0), (5, 2, 3, 2), (3, 1, 1, 0)]
    places = {str(n): chain(2, *steps[:k]) for n, k in ((0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4))}
    return Known(lambda: model, 16000, places | {"6": Place()})


@net
def residual_of_zero_weight() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        return m.c(h + m.norm(m.b(h)))

    def build() -> nn.Module:
        model = Written(
            forward,
            a=nn.Conv1d(1, 8, 9, 4),
            b=nn.Conv1d(8, 8, 7, 1, 3),
            norm=nn.BatchNorm1d(8),
            c=nn.Conv1d(8, 1, 1),
        )
        nn.init.zeros_(model.norm.weight)
        return model

    both = chain(2, (9, 4, 1, 0), (7, 1, 1, 3))
    return Known(build, 8000, {"a": chain(2, (9, 4, 1, 0)), "b": both, "c": both})


@net
def complex_view() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        spectrum = torch.stft(x[:, 0], 256, 64, window=torch.hann_window(256).to(x), return_complex=True)
        return m.conv(torch.view_as_real(spectrum).square().sum(-1)).relu()

    place = chain(2, (256, 64, 1, 128), (5, 2, 1, 0))
    return Known(lambda: Written(forward, conv=nn.Conv1d(129, 4, 5, 2)), 8000, {"conv": place, "relu": place})


@net
def running_mean() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        state, out = 0.0, []
        for frame in m.a(x).unbind(-1):
            state = 0.9 * state + 0.1 * frame
            out.append(state)
        return m.b(torch.stack(out, -1)).relu()

    places = {"a": chain(2, (160, 160, 1, 0)), "b": whole(2, 160, "before"), "relu": whole(2, 160, "before")}
    return Known(lambda: Written(forward, a=nn.Conv1d(1, 4, 160, 160), b=nn.Conv1d(4, 4, 1)), 16000, places)


@net
def interleaved() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        for _ in range(2):
            x = torch.stack([x, m.up(x)[..., 1:]], -1).flatten(-2)
        return m.enc(x).relu()

    def build() -> nn.Module:
        return Written(forward, up=nn.Conv1d(1, 1, 112, padding=56, bias=False), enc=nn.Conv1d(1, 8, 8, 4))

    places = {"up": Place((2,), 1, 112, -0.5), "up_2": Place((2,), 0.5, 167, -0.5)}
    return Known(build, 8001, places | dict.fromkeys(["enc", "relu"], Place((2,), 1, 169, 1.0)))


def unet(up: str, skip: bool) -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        high = F.leaky_relu(m.e1(x))
        low = F.leaky_relu(m.e2(F.avg_pool1d(high, 4)))
        back = m.up(low) if up == "transposed" else F.interpolate(low, size=high.shape[-1], mode=up)
        m.decoded = m.d1(torch.cat([back, high], 1) if skip else back)
        return m.out(F.leaky_relu(m.decoded))

    model = Written(
        forward,
        e1=nn.Conv1d(1, 8, 15, padding=7),
        e2=nn.Conv1d(8, 16, 15, padding=7),
        d1=nn.Conv1d(24 if skip else 16, 8, 5, padding=2),
        out=nn.Conv1d(8, 1, 1),
        **({"up": nn.ConvTranspose1d(16, 16, 4, 4)} if up == "transposed" else {}),
    )
    first, last = seen(model, 8000, lambda m: m.decoded, 4000)
    decoded = Place((2,), 1, last - first + 1, (first + last) / 2 - 4000)
    encoded = chain(2, (15, 1, 1, 7), (4, 4, 1, 0), (15, 1, 1, 7))
    return Known(lambda: model, 8000, {"e1": chain(2, (15, 1, 1, 7)), "e2": encoded, "d1": decoded, "out": decoded})


NETS["unet_linear"] = lambda: unet("linear", True)
NETS["unet_nearest"] = lambda: unet("nearest", True)
NETS["unet_transposed"] = lambda: unet("transposed", True)
NETS["decoder_without_skip"] = lambda: unet("transposed", False)


@net
def pairs_of_times() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames = m.pool(m.conv(x)).transpose(1, 2)
        return torch.tanh(m.attention(frames.unsqueeze(2) * frames.unsqueeze(1))).mean((1, 2))

    def build() -> nn.Module:
        return Written(forward, conv=nn.Conv1d(1, 8, 400, 320), pool=nn.MaxPool1d(3), attention=nn.Linear(8, 2))

    one = chain(1, (400, 320, 1, 0), (3, 3, 1, 0))
    places = {
        "conv": chain(2, (400, 320, 1, 0)),
        "pool": chain(2, (400, 320, 1, 0), (3, 3, 1, 0)),
        "tanh": Place((1, 2), one.hop, one.field, one.centre),
    }
    return Known(build, 32000, places)


@net
def repeated_frame() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.front(x)
        h = torch.cat([h, h[..., -1:]], -1)
        for conv in m.convs:
            h = conv(F.pad(h, (15, 15)))
        return h.mean(-1)

    def build() -> nn.Module:
        return Written(
            forward, front=nn.Conv1d(1, 8, 400, 160), convs=nn.ModuleList(nn.Conv1d(8, 8, 31) for _ in range(4))
        )

    steps = [(400, 160, 1, 0), *[(31, 1, 1, 15)] * 4]
    places = {"front": chain(2, *steps[:1])} | {f"convs.{n}": chain(2, *steps[: n + 2]) for n in range(4)}
    return Known(build, 16000, places)


@net
def unfolded() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        spectrum = torch.stft(x[:, 0], 512, 256, window=torch.hann_window(512).to(x), return_complex=True).abs()
        image = spectrum[:, None].transpose(2, 3)
        return m.conv(m.unfold(image).reshape(len(image), 3, *image.shape[2:])).relu()

    def build() -> nn.Module:
        return Written(
            forward,
            unfold=nn.Unfold((1, 3), padding=(0, 1)),
            conv=nn.Conv2d(3, 8, (1, 5), stride=(1, 2), padding=(0, 2)),
        )

    return Known(build, 16000, dict.fromkeys(["conv", "relu"], chain(2, (512, 256, 1, 256))))


@net
def recurrent_both_ways() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.conv(x).relu().transpose(1, 2)
        return torch.tanh(m.one(h)[0]).sum() + torch.sigmoid(m.two(h)[0]).sum()

    def build() -> nn.Module:
        return Written(
            forward,
            conv=nn.Conv1d(1, 8, 64, 32, 16),
            one=nn.GRU(8, 8, batch_first=True),
            two=nn.GRU(8, 8, batch_first=True, bidirectional=True),
        )

    conv = chain(2, (64, 32, 1, 16))
    return Known(build, 8000, {"conv": conv, "relu": conv, "tanh": whole(1, 32, "before"), "sigmoid": whole(1, 32)})


@net
def graph_attention() -> Known:
    """Like AASIST: a picture of filters, nodes in time, attention over pairs of them."""

    def forward(m: Any, x: Tensor) -> Tensor:
        h = F.selu(m.norm(F.max_pool2d(m.sinc(x).abs()[:, None], (3, 3))))
        h = m.pool(F.selu(m.inner(h)) + m.skip(h))
        nodes = h.abs().amax(2).transpose(1, 2)
        pairs = torch.tanh(m.attention(nodes.unsqueeze(2) * nodes.unsqueeze(1))) @ m.weights
        graph = torch.softmax(pairs, -2).squeeze(-1) @ nodes
        return m.out(F.selu(graph)).mean(1)

    def build() -> nn.Module:
        return Written(
            forward,
            sinc=nn.Conv1d(1, 9, 129),
            norm=nn.BatchNorm2d(1),
            inner=nn.Conv2d(1, 8, (2, 3), padding=(1, 1)),
            skip=nn.Conv2d(1, 8, (2, 1), padding=(1, 0)),
            pool=nn.MaxPool2d((1, 3)),
            attention=nn.Linear(8, 8),
            weights=nn.Parameter(torch.randn(8, 1)),
            out=nn.Linear(8, 2),
        )

    steps = [(129, 1, 1, 0), (3, 3, 1, 0), (3, 1, 1, 1), (3, 3, 1, 0)]
    nodes = chain(1, *steps)
    places = {
        "sinc": chain(2, *steps[:1]),
        "max_pool2d": chain(3, *steps[:2]),
        "inner": chain(3, *steps[:3]),
        "skip": chain(3, *steps[:2]),
        "pool": chain(3, *steps),
        "tanh": Place((1, 2), nodes.hop, nodes.field, nodes.centre),
        "selu_3": whole(1, 9),
    }
    return Known(build, 6000, places)


@net
def numpy_in_front() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames = np.lib.stride_tricks.sliding_window_view(x.detach().numpy()[0, 0], 200)[::80]
        spectra = np.abs(np.fft.rfft(frames * np.hamming(200))).T
        return m.b(m.a(torch.tensor(spectra)[None].to(x)).relu())

    steps = [(200, 80, 1, 0), (3, 2, 1, 1), (5, 1, 1, 0)]
    places = {"a": chain(2, *steps[:2]), "relu": chain(2, *steps[:2]), "b": chain(2, *steps)}
    build = lambda: Written(forward, a=nn.Conv1d(101, 8, 3, 2, 1), b=nn.Conv1d(8, 8, 5))  # noqa: E731
    return Known(build, 8000, places, cut=True)


@net
def quantised() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        codes = torch.cdist(m.a(x).transpose(1, 2), m.book[None]).argmin(-1)
        return m.b(m.book[codes].transpose(1, 2)).relu()

    def build() -> nn.Module:
        book = nn.Parameter(torch.randn(512, 4) * 0.3)
        return Written(forward, a=nn.Conv1d(1, 4, 32, 16), b=nn.Conv1d(4, 4, 3), book=book)

    behind = chain(2, (32, 16, 1, 0), (3, 1, 1, 0))
    return Known(build, 4000, {"a": chain(2, (32, 16, 1, 0)), "b": behind, "relu": behind}, cut=True)


@net
def longer_than_the_clip() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.first(x)
        for conv in m.convs:
            h = h + torch.tanh(conv(F.pad(h, (conv.dilation[0], 0)))) * 0.5
        return m.last(h)

    def build() -> nn.Module:
        convs = nn.ModuleList(nn.Conv1d(4, 4, 2, dilation=2**n) for n in range(13))
        return Written(forward, first=nn.Conv1d(1, 4, 1), convs=convs, last=nn.Conv1d(4, 1, 1))

    def causal(field: int) -> Place:
        return Place((2,), 1, field, -(field - 1) / 2)

    return Known(build, 4000, {"convs.9": causal(1024), "convs.12": causal(8192), "last": causal(8192)})


@net
def decoder() -> Known:
    model = nn.Sequential(
        nn.Conv1d(1, 8, 16, 8), nn.ConvTranspose1d(8, 8, 32, 32), nn.ReLU(), nn.Conv1d(8, 4, 1), nn.Tanh()
    )
    back = Place((2,), 0.25, 16, None)
    return Known(lambda: model, 4000, {"0": chain(2, (16, 8, 1, 0)), "2": back, "3": back, "4": back})


@net
def fixed_number_of_frames() -> Known:
    model = nn.Sequential(
        nn.Conv1d(1, 4, 8, 4), nn.ReLU(), nn.AdaptiveMaxPool1d(8), nn.Conv1d(4, 4, 3, padding=1), nn.Flatten(),
        nn.Linear(32, 4), nn.ReLU(),
    )  # fmt: skip
    places = {"0": chain(2, (8, 4, 1, 0)), "2": Place((2,), 1000, 1004, 501.5), "3": Place((2,), 1000, 3004, 501.5)}
    return Known(lambda: model, 8004, places | {"6": Place()})


@net
def fixed_length_without_gradients() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        if x.shape[-1] != 8000:
            raise ValueError("this model takes 8000 samples")
        with torch.no_grad():
            h = m.a(x).relu().detach()
        return m.head(m.b(h).relu().flatten(1)).relu()

    def build() -> nn.Module:
        return Written(forward, a=nn.Conv1d(1, 4, 16, 8), b=nn.Conv1d(4, 4, 3, 2), head=nn.Linear(4 * 499, 3))

    front, behind = chain(2, (16, 8, 1, 0)), chain(2, (16, 8, 1, 0), (3, 2, 1, 0))
    return Known(build, 8000, {"a": front, "relu": front, "b": behind, "relu_2": behind, "relu_3": Place()})


@net
def excited_and_cut_into_chunks() -> Known:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        h = m.b(h * torch.sigmoid(m.gate(h.mean(-1)))[..., None])
        return m.c(h[..., : h.shape[-1] // 25 * 25].unflatten(-1, (-1, 25))).relu()

    def build() -> nn.Module:
        return Written(
            forward,
            a=nn.Conv1d(1, 4, 16, 8),
            gate=nn.Linear(4, 4),
            b=nn.Conv1d(4, 4, 3),
            c=nn.Conv2d(4, 4, (1, 1)),
        )

    places = {"a": chain(2, (16, 8, 1, 0)), "sigmoid": Place(), "b": whole(2, 8), "c": whole(2, 200)}
    return Known(build, 8000, places)


@net
def filtered_by_fft() -> Known:
    """More is read than matters: an FFT of twice the length multiplies what is far away by zero."""

    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        n = h.shape[-1]
        y = torch.fft.irfft(torch.fft.rfft(h, 2 * n) * torch.fft.rfft(m.kernel, 2 * n), 2 * n)[..., :n]
        return m.b(y).relu()

    def build() -> nn.Module:
        return Written(forward, a=nn.Conv1d(1, 4, 16, 8), b=nn.Conv1d(4, 4, 3), kernel=nn.Parameter(torch.randn(4, 50)))

    field = 16 + 8 * 2 + 8 * 49
    behind = Place((2,), 8, field, -8 * 49 + (field - 1) / 2)
    return Known(build, 8000, {"a": chain(2, (16, 8, 1, 0)), "b": behind, "relu": behind})


READ_MORE = frozenset(["filtered_by_fft"])
"""Networks of which more is read than matters, so that the truth is what matters."""
