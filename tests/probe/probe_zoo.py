"""Small models in the ways that people write networks on waveforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Written(nn.Module):
    """A module whose forward is a function: ``Written(lambda m, x: m.conv(x), conv=nn.Conv1d(...))``."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **members: Any) -> None:
        super().__init__()
        self.written = forward
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: Tensor) -> Any:
        return self.written(self, x)


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(6, 8, 5, padding=2, dilation=2),
        nn.GELU(),
        nn.AvgPool1d(3, stride=2, padding=1),
        nn.Conv1d(8, 4, 3, groups=2, padding="same"),
    )


class DilatedBlock(nn.Module):
    """Parallel dilated branches, as in the time-domain synthetic speech detection nets."""

    def __init__(self, inputs: int, outputs: int, dilations: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        for n, d in enumerate(dilations, start=1):
            setattr(self, f"conv{n}", nn.Conv1d(inputs, outputs, 3, padding=d, dilation=d, bias=False))
            setattr(self, f"bn{n}", nn.BatchNorm1d(outputs))
        self.bn = nn.BatchNorm1d(outputs * len(dilations))
        self.n = len(dilations)

    def forward(self, x: Tensor) -> Tensor:
        branches = [getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(x)) for n in range(1, self.n + 1)]
        return F.max_pool1d(F.relu(self.bn(torch.cat(branches, dim=1))), 4)


def dilated() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.max_pool1d(F.relu(m.bn1(m.conv1(x))), kernel_size=4)
        x = m.block2(m.block1(x))
        return m.fc(F.relu(F.max_pool1d(x, x.shape[-1])).flatten(1))

    return Written(
        forward,
        conv1=nn.Conv1d(1, 4, 7, padding=3, bias=False),
        bn1=nn.BatchNorm1d(4),
        block1=DilatedBlock(4, 3),
        block2=DilatedBlock(9, 3),
        fc=nn.Linear(9, 2),
    )


def residual() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.relu(m.stem(x))
        x = F.relu(m.inner2(F.relu(m.bn(m.inner1(x)))) + x)
        y = m.outer2(F.relu(m.outer1(x)))
        y += m.project(x)
        return m.head(F.relu(y))

    return Written(
        forward,
        stem=nn.Conv1d(1, 4, 8, stride=4),
        inner1=nn.Conv1d(4, 4, 3, padding=1),
        bn=nn.BatchNorm1d(4),
        inner2=nn.Conv1d(4, 4, 3, padding=1),
        outer1=nn.Conv1d(4, 6, 3, stride=2, padding=1),
        outer2=nn.Conv1d(6, 6, 3, padding=1),
        project=nn.Conv1d(4, 6, 1, stride=2),
        head=nn.Conv1d(6, 2, 1),
    )


WIDTHS = (10, 30, 50, 150, 500)


def multi_resolution() -> nn.Module:
    """Branches of several widths at one hop, the widest padded before it is called."""

    def forward(m: Any, x: Tensor) -> Tensor:
        branches = [conv(x) for conv in m.branches]
        branches.append(m.widest(F.pad(x, (245, 245))))
        return m.top(F.elu(torch.cat(branches, dim=1)))

    convs = [nn.Conv1d(1, 2, w, stride=10, padding=(w - 10) // 2) for w in WIDTHS[:-1]]
    return Written(
        forward,
        branches=nn.ModuleList(convs),
        widest=nn.Conv1d(1, 2, WIDTHS[-1], stride=10),
        top=nn.Conv1d(2 * len(WIDTHS), 3, 3),
    )


class Sinc(nn.Module):
    """Band-pass kernels computed from their edges in every forward pass."""

    def __init__(self, filters: int = 5, width: int = 31) -> None:
        super().__init__()
        self.low = nn.Parameter(torch.linspace(0.01, 0.2, filters))
        self.band = nn.Parameter(torch.linspace(0.02, 0.1, filters))
        self.width = width

    def kernels(self) -> Tensor:
        t = torch.arange(self.width, dtype=self.low.dtype) - (self.width - 1) / 2
        high = self.low + torch.abs(self.band)
        edges = [2 * f[:, None] * torch.sinc(2 * f[:, None] * t) for f in (high, self.low)]
        return ((edges[0] - edges[1]) * torch.hamming_window(self.width, dtype=self.low.dtype))[:, None]

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.kernels(), stride=4)


def sinc() -> nn.Module:
    return nn.Sequential(Sinc(), nn.LeakyReLU(), nn.Conv1d(5, 3, 3))


def weight_norm() -> nn.Module:
    norm = nn.utils.parametrizations.weight_norm
    model = nn.Sequential(norm(nn.Conv1d(1, 4, 8, stride=4)), nn.Tanh(), norm(nn.Conv1d(4, 3, 3)))
    with torch.no_grad():
        model[0].parametrizations.weight.original0.mul_(3)
    return model


def framed() -> nn.Module:
    """Audio cut into frames that go into the batch, convolved as pictures of width one."""

    def forward(m: Any, x: Tensor) -> Tensor:
        frames = x[:, 0].unfold(-1, 64, 32)
        x = frames.reshape(-1, 1, 64, 1)
        x = F.max_pool2d(F.relu(m.first(x)), (2, 1))
        return m.second(x).relu()

    return Written(forward, first=nn.Conv2d(1, 4, (10, 1), stride=(3, 1)), second=nn.Conv2d(4, 3, (3, 1)))


def rows() -> nn.Module:
    """One-dimensional convolutions written with (1, k) kernels on (batch, 1, 1, time)."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 1)),
        nn.Conv2d(1, 4, (1, 12), stride=(1, 5)),
        nn.ReLU(),
        nn.MaxPool2d((1, 3)),
        nn.Conv2d(4, 3, (1, 3)),
    )


def recurrent() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.relu(m.conv(x)).transpose(1, 2)
        return m.fc(torch.relu(m.lstm(x)[0]))

    return Written(
        forward, conv=nn.Conv1d(1, 5, 10, stride=5), lstm=nn.LSTM(5, 6, batch_first=True), fc=nn.Linear(6, 2)
    )


def transformer() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.encoder(F.gelu(m.conv(x)).transpose(1, 2)).mean(dim=1)

    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return Written(forward, conv=nn.Conv1d(1, 8, 10, stride=5), encoder=encoder)


def two_dimensional() -> nn.Module:
    """A bank of filters taken as a picture (batch, 1, filter, time)."""

    def forward(m: Any, x: Tensor) -> Tensor:
        picture = F.relu(m.bank(x)).unsqueeze(1)
        return m.second(m.pool(F.relu(m.first(picture))))

    return Written(
        forward,
        bank=nn.Conv1d(1, 12, 16, stride=8),
        first=nn.Conv2d(1, 3, 3, padding=1),
        pool=nn.MaxPool2d(2),
        second=nn.Conv2d(3, 2, 3),
    )


def pooled() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.out(F.relu(m.hidden(F.relu(m.conv(x)).mean(dim=-1))))

    return Written(forward, conv=nn.Conv1d(1, 4, 8, stride=4), hidden=nn.Linear(4, 5), out=nn.Linear(5, 2))


def pre_emphasis() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = torch.cat([x[..., :1], x[..., 1:] - 0.97 * x[..., :-1]], dim=-1)
        return m.conv(x)

    return Written(forward, conv=nn.Conv1d(1, 3, 8, stride=4))


def causal() -> nn.Module:
    """Zeros before the clip, once joined to it and once as a buffer that it is written into."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.relu(m.first(torch.cat([x.new_zeros(x.shape[0], 1, 7), x], dim=-1)))
        buffer = torch.zeros(x.shape[0], 4, x.shape[-1] + 4, dtype=x.dtype, device=x.device)
        buffer[:, :, 4:] = x
        return m.second(buffer)

    return Written(forward, first=nn.Conv1d(1, 4, 8, stride=2), second=nn.Conv1d(4, 3, 5))


def excited() -> nn.Module:
    """Squeeze and excitation on a clip of zero mean and unit variance."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)
        x = F.relu(m.conv(x))
        x = x * torch.sigmoid(m.gate(x.mean(dim=-1)))[:, :, None]
        mean = x.mean(dim=-1, keepdim=True).expand_as(x)
        return m.last(F.relu(torch.cat([x, mean], dim=1)))

    return Written(forward, conv=nn.Conv1d(1, 4, 8, stride=4), gate=nn.Linear(4, 4), last=nn.Conv1d(8, 2, 3))


def viewed() -> nn.Module:
    """Layouts changed by ``view`` and by a matrix product from the left; zeros as further channels."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.relu(m.mix @ m.conv(x))
        x = F.relu(F.pad(x, (0, 0, 1, 1)))
        batch, channels, frames = x.shape
        x = m.second(x.view(batch * channels, 1, frames)).view(batch, channels, -1)
        return m.fc(F.relu(x).view(batch, -1)[:, :12])

    return Written(
        forward,
        conv=nn.Conv1d(1, 4, 8, stride=4),
        mix=nn.Parameter(torch.randn(4, 4)),
        second=nn.Conv1d(1, 1, 3),
        fc=nn.Linear(12, 2),
    )


def wav2vec2(feat_extract_norm: str) -> nn.Module:
    import transformers

    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=(6, 6, 6),
        conv_stride=(5, 2, 2),
        conv_kernel=(10, 3, 2),
        conv_bias=feat_extract_norm == "layer",
        feat_extract_norm=feat_extract_norm,
        do_stable_layer_norm=feat_extract_norm == "layer",
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )
    return transformers.Wav2Vec2Model(config)


#: Name: (builder, samples, whether the input has a channel axis).
def spectrogram() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames = torch.stft(x[:, 0], 64, 20, 50, torch.hamming_window(50).to(x), return_complex=True).abs()
        bands = F.relu(m.bands(frames))
        image = F.relu(m.image(frames.add(1e-3).log()[:, None]))
        return m.head(bands).mean(-1) + image.mean((1, 2, 3))[:, None]

    return Written(forward, bands=nn.Conv1d(33, 5, 3, padding=1), image=nn.Conv2d(1, 4, 3), head=nn.Conv1d(5, 2, 1))


ZOO: dict[str, tuple[Callable[[], nn.Module], int, bool]] = {
    "plain": (plain, 400, True),
    "dilated": (dilated, 600, True),
    "residual": (residual, 300, True),
    "multi_resolution": (multi_resolution, 1600, True),
    "sinc": (sinc, 200, True),
    "weight_norm": (weight_norm, 200, True),
    "framed": (framed, 1000, True),
    "rows": (rows, 300, True),
    "recurrent": (recurrent, 200, True),
    "transformer": (transformer, 200, True),
    "two_dimensional": (two_dimensional, 400, True),
    "pooled": (pooled, 200, True),
    "spectrogram": (spectrogram, 600, True),
    "pre_emphasis": (pre_emphasis, 200, True),
    "causal": (causal, 200, True),
    "excited": (excited, 200, True),
    "viewed": (viewed, 200, True),
    "wav2vec2_layer": (lambda: wav2vec2("layer"), 600, False),
    "wav2vec2_group": (lambda: wav2vec2("group"), 600, False),
}


def build(name: str) -> tuple[nn.Module, Tensor]:
    """A model of the zoo in double precision and evaluation mode, and a clip for it."""
    if name.startswith("wav2vec2"):
        import pytest

        pytest.importorskip("transformers")
    torch.manual_seed(1)
    builder, samples, channel = ZOO[name]
    model = builder().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    shape = (1, 1, samples) if channel else (1, samples)
    return model, torch.randn(shape, dtype=torch.float64)
