"""Networks that answer with a waveform: U-Nets, masks, codecs, vocoders."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from strangers.by_hand import Ruled, passing
from strangers.stranger import At, Stranger, chain, endless, energy


class WaveUNet(nn.Module):
    """Every other sample dropped on the way down, linear interpolation on the way up, skips cropped and joined."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv1d(1, 6, 15, padding=7), nn.Conv1d(6, 8, 15, padding=7)])
        self.bottleneck = nn.Conv1d(8, 8, 15, padding=7)
        self.up = nn.ModuleList([nn.Conv1d(16, 8, 5, padding=2), nn.Conv1d(14, 6, 5, padding=2)])
        self.out = nn.Conv1d(6, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for conv in self.down:
            x = F.leaky_relu(conv(x), 0.1)
            skips.append(x)
            x = x[:, :, ::2]
        x = F.leaky_relu(self.bottleneck(x), 0.1)
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2, mode="linear", align_corners=True)
            skip = skips.pop()
            x = F.leaky_relu(conv(torch.cat([x[..., : skip.shape[-1]], skip[..., : x.shape[-1]]], 1)), 0.1)
        return torch.tanh(self.out(x))


_U = [(15, 1, 1, 7), (1, 2), (15, 1, 1, 7), (1, 2), (15, 1, 1, 7)]
WAVE_U_NET = Stranger(
    WaveUNet,
    {
        "down.0": chain(*_U[:1]),
        "leaky_relu": chain(*_U[:1]),
        "down.1": chain(*_U[:3]),
        "bottleneck": chain(*_U),
        "leaky_relu_3": chain(*_U),
    },
    samples=2400,
    target=energy,
)


class TransposedUNet(nn.Module):
    """Strides on the way down and transposed convolutions on the way up, skips added."""

    def __init__(self) -> None:
        super().__init__()
        self.enc1 = nn.Conv1d(1, 8, 8, 4, padding=2)
        self.enc2 = nn.Conv1d(8, 12, 8, 4, padding=2)
        self.dec2 = nn.ConvTranspose1d(12, 8, 8, 4, padding=2)
        self.dec1 = nn.ConvTranspose1d(8, 1, 8, 4, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        e1 = F.relu(self.enc1(x))
        e2 = F.relu(self.enc2(e1))
        return self.dec1(F.relu(self.dec2(e2) + e1))


_V1 = chain((8, 4, 1, 2))
_V2 = chain((8, 4, 1, 2), after=_V1)
# An element of a transposed convolution of 8 by 4 reads two elements, here 16 samples apart, each of 36.
TRANSPOSED_U_NET = Stranger(
    TransposedUNet,
    {
        "enc1": _V1,
        "relu": _V1,
        "enc2": _V2,
        "relu_2": _V2,
        "dec2": At(2, 4.0, 52),
        "relu_3": At(2, 4.0, 52),
        "dec1": At(2, 1.0, 68),
    },
    samples=2400,
    target=energy,
)


class GlobalNorm(nn.Module):
    """Over channels and all of time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(1, channels, 1)), nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, y: Tensor) -> Tensor:
        mean = y.mean((1, 2), keepdim=True)
        power = ((y - mean) ** 2).mean((1, 2), keepdim=True)
        return self.gamma * (y - mean) / (power + 1e-8).sqrt() + self.beta


class SeparationBlock(nn.Module):
    def __init__(self, channels: int, hidden: int, dilation: int) -> None:
        super().__init__()
        self.bottle = nn.Conv1d(channels, hidden, 1)
        self.act1, self.norm1 = nn.PReLU(), GlobalNorm(hidden)
        self.depth = nn.Conv1d(hidden, hidden, 3, padding=dilation, dilation=dilation, groups=hidden)
        self.act2, self.norm2 = nn.PReLU(), GlobalNorm(hidden)
        self.point = nn.Conv1d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.act1(self.bottle(x)))
        return x + self.point(self.norm2(self.act2(self.depth(y))))


class ConvTasNet(nn.Module):
    """Encoder, masks for two speakers by dilated depthwise blocks, decoder."""

    def __init__(self, speakers: int = 2) -> None:
        super().__init__()
        self.speakers = speakers
        self.encoder = nn.Conv1d(1, 16, 16, 8, bias=False)
        self.norm, self.bottleneck = GlobalNorm(16), nn.Conv1d(16, 8, 1)
        self.blocks = nn.Sequential(*(SeparationBlock(8, 12, 2**i) for i in range(3)))
        self.mask = nn.Conv1d(8, speakers * 16, 1)
        self.decoder = nn.ConvTranspose1d(16, 1, 16, 8, bias=False)

    def forward(self, mixture: Tensor) -> Tensor:
        w = F.relu(self.encoder(mixture))
        masks = F.relu(self.mask(self.blocks(self.bottleneck(self.norm(w)))))
        masked = masks.view(len(w), self.speakers, 16, -1) * w[:, None]
        sources = self.decoder(masked.flatten(0, 1))
        return sources.view(len(w), self.speakers, -1)


_M = chain((16, 8))
CONV_TASNET = Stranger(
    ConvTasNet,
    {
        "encoder": _M,
        "relu": _M,
        "bottleneck": endless(_M),
        "blocks.0.act1": endless(_M),
        "blocks.2.depth": endless(_M),
        "mask": endless(_M),
    },
    samples=2400,
    target=energy,
)


class DualPath(nn.Module):
    """Chunks with half overlap; one recurrence within them and one across; overlap-add."""

    def __init__(self, size: int = 20) -> None:
        super().__init__()
        self.size = size
        self.encoder = nn.Conv1d(1, 8, 16, 8)
        self.intra = nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.inter = nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.intra_linear, self.inter_linear = nn.Linear(12, 8), nn.Linear(12, 8)
        self.decoder = nn.ConvTranspose1d(8, 1, 16, 8)

    def forward(self, x: Tensor) -> Tensor:
        w = F.relu(self.encoder(x))
        batch, channels, frames = w.shape
        half = self.size // 2
        rest = (-frames) % half
        padded = F.pad(w, (half, rest + half))
        chunks = padded.unfold(2, self.size, half)  # (batch, channel, chunk, time in it)
        count = chunks.shape[2]
        h = chunks.permute(0, 2, 3, 1).reshape(batch * count, self.size, channels)
        h = (h + self.intra_linear(self.intra(h)[0])).view(batch, count, self.size, channels)
        h = h.transpose(1, 2).reshape(batch * self.size, count, channels)
        h = (h + self.inter_linear(self.inter(h)[0])).view(batch, self.size, count, channels)
        h = h.permute(0, 3, 1, 2).reshape(batch, channels * self.size, count)
        added = F.fold(h, (1, padded.shape[-1]), (1, self.size), stride=(1, half)).squeeze(2)
        return self.decoder(self.masked(torch.sigmoid(added[..., half : half + frames]), w))

    def masked(self, mask: Tensor, w: Tensor) -> Tensor:
        return mask * w


DPRNN = Stranger(
    DualPath,
    {"encoder": _M, "relu": _M, "sigmoid": endless(_M)},
    samples=2400,
    target=energy,
    rewrite={"masked": lambda model: lambda mask, w: mask * passing(w)},
)  # fmt: skip


class ResamplerFront(nn.Module):
    """Doubles the rate by a fixed sinc filter first, as some separators do, and halves it at the end."""

    def __init__(self) -> None:
        super().__init__()
        time = torch.arange(-8, 8) + 0.5
        self.register_buffer("kernel", (torch.sinc(time) * torch.hann_window(17)[1:].sqrt()).view(1, 1, -1))
        self.encoder = nn.Sequential(nn.Conv1d(1, 8, 8, 4), nn.ReLU(), nn.Conv1d(8, 16, 1), nn.GLU(dim=1))
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.decoder = nn.Sequential(nn.Conv1d(8, 16, 3, padding=1), nn.GLU(dim=1), nn.ConvTranspose1d(8, 1, 8, 4))

    def upsample(self, x: Tensor) -> Tensor:
        between = F.conv1d(F.pad(x, (7, 8)), self.kernel)
        return torch.stack([x, between], dim=-1).flatten(-2)

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[-1]
        x = self.upsample(x)
        h = self.encoder(x)
        h = self.lstm(h.transpose(1, 2))[0].transpose(1, 2)
        return self.decoder(h)[..., ::2][..., :length]


RESAMPLER_FRONT = Stranger(
    ResamplerFront,
    {
        "conv1d": chain((16, 1, 1, 7)),
        # 8 samples at the double rate: from sample -7 of the first to sample 8 after the last of them
        "encoder.0": At(2, 2.0, 19),
        "encoder.1": At(2, 2.0, 19),
    },
    samples=2000,
    target=energy,
)


class Enhancer(nn.Module):
    """A waveform in, as long a waveform out, by a residual path."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, 8, 33, padding=16), nn.Tanh(), nn.Conv1d(8, 8, 17, padding=16, dilation=2), nn.Tanh(),
            nn.Conv1d(8, 1, 9, padding=4),
        )  # fmt: skip

    def forward(self, noisy: Tensor) -> Tensor:
        """(batch, time) in and out."""
        return noisy - self.net(noisy.unsqueeze(1)).squeeze(1)


_H = [(33, 1, 1, 16), (17, 1, 2, 16), (9, 1, 1, 4)]
ENHANCER = Stranger(
    Enhancer,
    {"net.0": chain(*_H[:1]), "net.1": chain(*_H[:1]), "net.2": chain(*_H[:2]), "net.4": chain(*_H)},
    samples=2000,
    call=lambda model, wave: model(wave[None]),
    target=energy,
)


class Snake(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((1, channels, 1), 2.0))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.alpha + 1e-9).reciprocal() * torch.sin(self.alpha * x).pow(2)


class Codec(nn.Module):
    """Encoder with snakes, nearest entries of a codebook passed straight through, decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 6, 7, padding=3), Snake(6), nn.Conv1d(6, 8, 8, 4, padding=2), Snake(8)
        )
        self.codebook = nn.Embedding(32, 8)
        self.decoder = nn.Sequential(
            nn.Conv1d(8, 8, 3, padding=1), Snake(8), nn.ConvTranspose1d(8, 6, 8, 4, padding=2), Snake(6),
            nn.Conv1d(6, 1, 7, padding=3),
        )  # fmt: skip

    def quantise(self, z: Tensor) -> Tensor:
        vectors = z.transpose(1, 2)
        distances = (vectors.unsqueeze(2) - self.codebook.weight).square().sum(-1)
        nearest = self.codebook(distances.argmin(-1)).transpose(1, 2)
        return z + (nearest - z).detach()

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.decoder(self.quantise(self.encoder(x))))


def snake_by_hand(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """Guided: the slope of snake is 1 + sin(2 alpha x)."""
    alpha = module.alpha.detach()
    value = lambda x: x + torch.sin(alpha * x) ** 2 / (alpha + 1e-9)  # noqa: E731
    return lambda x: Ruled.apply(x, value(x.detach()), 1 + torch.sin(2 * alpha * x.detach()))


_Q = [(7, 1, 1, 3), (8, 4, 1, 2), (3, 1, 1, 1)]
CODEC = Stranger(
    Codec,
    {
        "encoder.0": chain(*_Q[:1]),
        "encoder.2": chain(*_Q[:2]),
        "decoder.0": chain(*_Q),
        # two elements 4 samples apart, each of 22; seven of those see four at most
        "decoder.2": At(2, 1.0, 26),
        "decoder.4": At(2, 1.0, 34),
    },
    samples=2000,
    target=energy,
    rewrite={f"{path}.forward": snake_by_hand for path in ("encoder.1", "encoder.3", "decoder.1", "decoder.3")},
)


class Vocoder(nn.Module):
    """An encoder to frames, and a decoder as vocoders have: transposed convolutions and dilated residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis = nn.Conv1d(1, 12, 64, 16, padding=24)
        self.up1 = nn.ConvTranspose1d(12, 8, 8, 4, padding=2)
        self.up2 = nn.ConvTranspose1d(8, 6, 8, 4, padding=2)
        self.mrf = nn.ModuleList(nn.Conv1d(6, 6, 3, padding=d, dilation=d) for d in (1, 3))
        self.post = nn.Conv1d(6, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.analysis(x)
        h = self.up2(F.leaky_relu(self.up1(F.leaky_relu(h, 0.1)), 0.1))
        h = sum(conv(F.leaky_relu(h, 0.1)) + h for conv in self.mrf) / len(self.mrf)
        return torch.tanh(self.post(F.leaky_relu(h)))


_A = chain((64, 16, 1, 24))
VOCODER = Stranger(
    Vocoder,
    {
        "analysis": _A,
        "leaky_relu": _A,
        "up1": At(2, 4.0, 80),
        "leaky_relu_2": At(2, 4.0, 80),
        # of two elements 4 apart, whose own pairs of frames may be three frames in all
        "up2": At(2, 1.0, 96),
    },
    samples=2000,
    target=energy,
)


class Recurrence(nn.Module):
    """The state-space recurrence of a selective scan, element by element."""

    def __init__(self, channels: int = 6, states: int = 4) -> None:
        super().__init__()
        self.inner = nn.Linear(channels, 2 * channels)
        self.conv = nn.Conv1d(channels, channels, 4, padding=3, groups=channels)
        self.to_dt, self.to_bc = nn.Linear(channels, channels), nn.Linear(channels, 2 * states)
        self.log_a = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(channels, 1))
        self.skip, self.out = nn.Parameter(torch.ones(channels)), nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        h, gate = self.inner(x).chunk(2, -1)
        h = F.silu(self.conv(h.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        dt = F.softplus(self.to_dt(h))
        b, c = self.to_bc(h).chunk(2, -1)
        decay = torch.exp(-dt.unsqueeze(-1) * self.log_a.exp())
        state = h.new_zeros(len(h), h.shape[2], b.shape[-1])
        outputs = []
        for t in range(h.shape[1]):
            state = decay[:, t] * state + (dt * h)[:, t, :, None] * b[:, t, None, :]
            outputs.append((state * c[:, t, None, :]).sum(-1))
        y = torch.stack(outputs, 1) + self.skip * h
        return self.out(y * F.silu(gate))


class Mamba(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frames = nn.Conv1d(1, 6, 64, 32)
        self.norm, self.mixer = nn.LayerNorm(6), Recurrence()
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.frames(x).transpose(1, 2)
        h = h + self.mixer(self.norm(h))
        return self.head(h.mean(1))


_F = chain((64, 32))
MAMBA = Stranger(
    Mamba,
    {
        "frames": _F,
        "mixer.conv": chain((4, 1, 1, 3), after=_F),
        "mixer.silu": chain((4, 1, 1, 3), after=_F, axis=1),
        "mixer.softplus": chain((4, 1, 1, 3), after=_F, axis=1),
        "mixer.silu_2": chain(after=_F, axis=1),
    },
    samples=2000,
)

ZOO = {
    "wave_u_net": WAVE_U_NET,
    "transposed_u_net": TRANSPOSED_U_NET,
    "conv_tasnet": CONV_TASNET,
    "dprnn": DPRNN,
    "resampler_front": RESAMPLER_FRONT,
    "enhancer": ENHANCER,
    "codec": CODEC,
    "vocoder": VOCODER,
    "mamba": MAMBA,
}
