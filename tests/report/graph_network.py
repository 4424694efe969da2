"""A large network in the manner of AASIST: band-pass kernels, two-dimensional stages, attention over pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATE, SAMPLES = 16_000, 64_600


class BandPass(nn.Module):
    """Kernels of fixed bands, equally wide in mel."""

    def __init__(self, channels: int = 70, size: int = 129) -> None:
        super().__init__()
        mel = torch.linspace(0, 2595 * torch.log10(torch.tensor(1 + RATE / 2 / 700)), channels + 1)
        edges = 700 * (10 ** (mel / 2595) - 1)
        time = (torch.arange(size) - size // 2) / RATE
        low, high = edges[:-1, None], edges[1:, None]
        kernels = 2 * high * torch.sinc(2 * high * time) - 2 * low * torch.sinc(2 * low * time)
        self.register_buffer("kernels", (kernels / RATE * torch.hamming_window(size))[:, None])

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.kernels)


class Block(nn.Module):
    """Two convolutions over (band, time) beside a third, then every third time."""

    def __init__(self, inputs: int, outputs: int, first: bool = False) -> None:
        super().__init__()
        self.before = nn.Identity() if first else nn.Sequential(nn.BatchNorm2d(inputs), nn.SELU(inplace=True))
        self.conv1 = nn.Conv2d(inputs, outputs, (2, 3), padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, (2, 3), padding=(0, 1))
        self.beside = nn.Conv2d(inputs, outputs, (1, 3), padding=(0, 1)) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.selu(self.norm(self.conv1(self.before(x.clone()))), inplace=True))
        y += self.beside(x)
        return F.max_pool2d(y, (1, 3))


class Attention(nn.Module):
    """Every place hears the others as far as a small network of each pair says."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pair, self.score = nn.Linear(inputs, outputs), nn.Parameter(torch.randn(outputs, 1) / outputs**0.5)
        self.heard, self.own = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)
        self.norm, self.drop = nn.BatchNorm1d(outputs), nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(x)
        pairs = torch.tanh(self.pair(x[:, :, None] * x[:, None]))
        weights = F.softmax(torch.matmul(pairs, self.score).squeeze(-1), dim=-2)
        y = self.heard(torch.matmul(weights, x)) + self.own(x)
        return F.selu(self.norm(y.flatten(0, 1)).view_as(y))


class GraphNetwork(nn.Module):
    """Spoofed or not, of 4 s of speech: (batch, time) to (embedding, scores)."""

    sample_rate, input_length, classes = RATE, SAMPLES, ("spoof", "bona fide")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bands, self.norm = BandPass(), nn.BatchNorm2d(1)
        sizes = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64)]
        self.encoder = nn.Sequential(*(Block(*size, first=not place) for place, size in enumerate(sizes)))
        self.place = nn.Parameter(torch.randn(1, 23, 64))
        self.over_bands, self.over_time = Attention(64, 64), Attention(64, 64)
        self.keep = nn.Linear(64, 1)
        self.both = Attention(64, 32)
        self.out = nn.Linear(5 * 32, 2)

    def pooled(self, x: Tensor, share: float) -> Tensor:
        """The places that count most, each times how much."""
        weights = torch.sigmoid(self.keep(x))
        best = weights.topk(max(1, int(share * x.shape[1])), dim=1).indices
        return torch.gather(x * weights, 1, best.expand(-1, -1, x.shape[-1]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.bands(x.unsqueeze(1)).unsqueeze(1)
        x = F.selu(self.norm(F.max_pool2d(torch.abs(x), (3, 3))), inplace=True)
        x = self.encoder(x)
        bands = self.pooled(self.over_bands(x.abs().amax(3).transpose(1, 2) + self.place), 0.5)
        time = self.pooled(self.over_time(x.abs().amax(2).transpose(1, 2)), 0.7)
        both = self.both(torch.cat([bands, time], 1))
        bands, time = both[:, : bands.shape[1]], both[:, bands.shape[1] :]
        parts = [bands.abs().amax(1), bands.mean(1), time.abs().amax(1), time.mean(1), both.mean(1)]
        embedding = torch.cat(parts, 1)
        return embedding, self.out(embedding)
