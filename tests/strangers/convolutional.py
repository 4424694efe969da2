"""Convolutional networks: plain, residual, dense, dilated, in one and two dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from strangers.by_hand import Ruled
from strangers.stranger import NOWHERE, Stranger, chain, endless


class Functional(nn.Module):
    """Everything but the weights is a function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 8, 40, stride=8)
        self.conv2 = nn.Conv1d(8, 12, 5, padding=2)
        self.fc = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool1d(F.relu(self.conv1(x)), 2)
        x = torch.relu(self.conv2(x))
        return self.fc(x.mean(dim=-1))


_STEM = chain((40, 8))
_POOLED = chain((2, 2), after=_STEM)
FUNCTIONAL = Stranger(
    Functional,
    {
        "conv1": _STEM,
        "relu": _STEM,
        "max_pool1d": _POOLED,
        "conv2": chain((5, 1, 1, 2), after=_POOLED),
        "relu_2": chain((5, 1, 1, 2), after=_POOLED),
    },
)


class BasicBlock(nn.Module):
    """One in-place ReLU for both of its activations."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(outputs)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm1d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Conv1d(inputs, outputs, 1, stride) if stride > 1 or inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(1, 8, 64, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(inplace=True))
        self.layer1 = BasicBlock(8, 8)
        self.layer2 = BasicBlock(8, 12, stride=2)
        self.avgpool = nn.AdaptiveAvgPool1d(1)
        self.fc = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1(self.stem(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


_R0 = chain((64, 8))
_R1 = chain((3, 1, 1, 1), (3, 1, 1, 1), after=_R0)
_R2 = chain((3, 2, 1, 1), after=_R1)
RESIDUAL = Stranger(
    Residual,
    {
        "stem.0": _R0,
        "stem.2": _R0,
        "layer1.conv1": chain((3, 1, 1, 1), after=_R0),
        "layer1.relu": chain((3, 1, 1, 1), after=_R0),
        "layer1.conv2": _R1,
        "layer1.relu_2": _R1,
        "layer2.conv1": _R2,
        "layer2.conv2": chain((3, 1, 1, 1), after=_R2),
        "layer2.downsample": chain((1, 2), after=_R1),
        "layer2.relu_2": chain((3, 1, 1, 1), after=_R2),
        "avgpool": NOWHERE,
    },
)


class Dense(nn.Module):
    """Each layer reads what all before it returned."""

    def __init__(self, growth: int = 4, depth: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, 8, 32, 16)
        self.norms = nn.ModuleList(nn.BatchNorm1d(8 + growth * i) for i in range(depth))
        self.layers = nn.ModuleList(nn.Conv1d(8 + growth * i, growth, 3, padding=1) for i in range(depth))
        self.transition = nn.Sequential(nn.Conv1d(8 + growth * depth, 8, 1), nn.ELU(), nn.AvgPool1d(2))
        self.classifier = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for norm, layer in zip(self.norms, self.layers, strict=True):
            features.append(layer(F.relu(norm(torch.cat(features, 1)))))
        return self.classifier(self.transition(torch.cat(features, 1)).mean(2))


_D0 = chain((32, 16))
DENSE = Stranger(
    Dense,
    {f"layers.{i}": chain(*[(3, 1, 1, 1)] * (i + 1), after=_D0) for i in range(4)}
    | {"relu_4": chain(*[(3, 1, 1, 1)] * 3, after=_D0)}
    | {"transition.0": chain(*[(3, 1, 1, 1)] * 4, after=_D0)}
    | {"transition.2": chain(*[(3, 1, 1, 1)] * 4, (2, 2), after=_D0)},
)


class SampleCNN(nn.Module):
    """Kernels of three samples and poolings by three all the way."""

    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int) -> nn.Sequential:
            convolution = nn.Conv1d(inputs, outputs, 3, padding=1)
            return nn.Sequential(convolution, nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(3))

        self.first = nn.Sequential(nn.Conv1d(1, 8, 3, stride=3), nn.BatchNorm1d(8), nn.ReLU())
        self.blocks = nn.Sequential(block(8, 8), block(8, 8), block(8, 16), block(16, 16))
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.first(x))
        return self.fc(self.dropout(x.max(dim=2)[0]))


_S = [(3, 3), (3, 1, 1, 1), (3, 3), (3, 1, 1, 1), (3, 3), (3, 1, 1, 1), (3, 3), (3, 1, 1, 1), (3, 3)]
SAMPLE_CNN = Stranger(
    SampleCNN,
    {
        "first.0": chain(*_S[:1]),
        "blocks.0.0": chain(*_S[:2]),
        "blocks.0.3": chain(*_S[:3]),
        "blocks.2.3": chain(*_S[:7]),
        "blocks.3.2": chain(*_S[:8]),
        "blocks.3.3": chain(*_S),
    },
)


class SqueezeExcitation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 12, 50, 10)
        self.squeeze, self.excite = nn.Linear(12, 4), nn.Linear(4, 12)
        self.last = nn.Conv1d(12, 8, 3, dilation=2)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        weights = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(-1)))))
        x = F.relu(self.last(x * weights.unsqueeze(-1)))
        return self.head(x.mean(-1))


_E0 = chain((50, 10))
SQUEEZE_EXCITATION = Stranger(
    SqueezeExcitation,
    {"conv": _E0, "relu": _E0, "sigmoid": NOWHERE, "last": endless(_E0), "relu_3": endless(_E0)},
)


class Chomp(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : -self.size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        pad = 2 * dilation
        self.net = nn.Sequential(
            parametrizations.weight_norm(nn.Conv1d(inputs, outputs, 3, padding=pad, dilation=dilation)),
            Chomp(pad),
            nn.ReLU(),
            nn.Dropout(0.2),
            parametrizations.weight_norm(nn.Conv1d(outputs, outputs, 3, padding=pad, dilation=dilation)),
            Chomp(pad),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.downsample = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.net(x) + self.downsample(x))


class TCN(nn.Module):
    """Causal and dilated, on frames of a strided first layer; the last frame is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = nn.Conv1d(1, 8, 32, 16)
        self.network = nn.Sequential(*(TemporalBlock(8, 8, 2**i) for i in range(3)))
        self.linear = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.network(self.frames(x))[:, :, -1])


_T0 = chain((32, 16))
_T = [(3, 1, 2**i, 2 ** (i + 1)) for i in range(3) for _ in range(2)]  # two in each block, padded before
_AFTER = [chain(*_T[:n], after=_T0) for n in range(7)]
TEMPORAL = Stranger(
    TCN,
    {"frames": _T0}
    | {f"network.{i}.net.0": _AFTER[2 * i + 1] for i in range(3)}
    | {f"network.{i}.net.4": _AFTER[2 * i + 2] for i in range(3)}
    | {f"network.{i}.net.6": _AFTER[2 * i + 2] for i in range(3)}
    | {f"network.{i}.relu": _AFTER[2 * i + 2] for i in range(3)},
)


class WaveNet(nn.Module):
    """Gated dilated layers with residual and skip paths, sample by sample."""

    def __init__(self, layers: int = 5) -> None:
        super().__init__()
        self.start = nn.Conv1d(1, 8, 1)
        self.filters = nn.ModuleList(nn.Conv1d(8, 8, 2, dilation=2**i) for i in range(layers))
        self.gates = nn.ModuleList(nn.Conv1d(8, 8, 2, dilation=2**i) for i in range(layers))
        self.skips = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(layers))
        self.residuals = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(layers))
        self.end1, self.end2 = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x, total = self.start(x), 0
        for filt, gate, skip, residual in zip(self.filters, self.gates, self.skips, self.residuals, strict=True):
            padded = F.pad(x, (filt.dilation[0], 0))
            z = torch.tanh(filt(padded)) * torch.sigmoid(gate(padded))
            total = total + skip(z)
            x = residual(z) + x
        return self.end2(F.relu(self.end1(F.relu(total)))).mean(-1)


_W = [(2, 1, 2**i, 2**i) for i in range(5)]
WAVENET = Stranger(
    WaveNet,
    {"start": chain((1,))}
    | {f"filters.{i}": chain(*_W[: i + 1]) for i in range(5)}
    | {f"gates.{i}": chain(*_W[: i + 1]) for i in range(5)}
    | {"tanh": chain(*_W[:1]), "sigmoid_3": chain(*_W[:3]), "relu": chain(*_W), "relu_2": chain(*_W)}
    | {"end2": chain(*_W)},
    samples=2400,
)


class SharedBlock(nn.Module):
    """One block applied three times, and one filterbank on the signal and on its difference."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Conv1d(1, 6, 48, 12)
        self.block = nn.Sequential(nn.Conv1d(12, 12, 3, padding=1), nn.GELU())
        self.out = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        slope = x[..., 1:] - x[..., :-1]
        both = [self.bank(x[..., 1:]), self.bank(slope)]
        x = torch.cat(both, dim=1)
        for _ in range(3):
            x = x + self.block(x)
        return self.out(x.mean(-1))


_BANK = chain((1, 1, 1, -1), (48, 12))  # the first sample is left out
_PAIR = chain((2,), (48, 12))
SHARED = Stranger(
    SharedBlock,
    {"bank": _BANK, "bank_2": _PAIR}
    | {f"block.0{n}": chain(*[(3, 1, 1, 1)] * (i + 1), after=_PAIR) for i, n in enumerate(("", "_2", "_3"))},
)


class WeightNorm(nn.Module):
    """Weight normalisation by hooks, as old code has it, and by parametrisation."""

    def __init__(self) -> None:
        super().__init__()
        self.old = nn.utils.weight_norm(nn.Conv1d(1, 8, 40, 10))
        self.new = parametrizations.weight_norm(nn.Conv1d(8, 8, 5, padding=2))
        self.fc = parametrizations.weight_norm(nn.Linear(8, 3))
        with torch.no_grad():
            self.old.weight_g.mul_(3)
            self.new.parametrizations.weight.original0.mul_(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.leaky_relu(self.new(F.leaky_relu(self.old(x), 0.1)), 0.1).mean(-1))


_N0 = chain((40, 10))
WEIGHT_NORM = Stranger(
    WeightNorm,
    {
        "old": _N0,
        "leaky_relu": _N0,
        "new": chain((5, 1, 1, 2), after=_N0),
        "leaky_relu_2": chain((5, 1, 1, 2), after=_N0),
    },
)


class SpectralNorm(nn.Module):
    """A critic on waveforms: spectral normalisation, one number out."""

    def __init__(self) -> None:
        super().__init__()
        sn = parametrizations.spectral_norm
        self.body = nn.Sequential(
            sn(nn.Conv1d(1, 8, 15, stride=4, padding=7)),
            nn.LeakyReLU(0.2),
            sn(nn.Conv1d(8, 16, 41, stride=4, padding=20, groups=4)),
            nn.LeakyReLU(0.2),
            sn(nn.Conv1d(16, 1, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).mean(-1)


_C = [(15, 4, 1, 7), (41, 4, 1, 20), (3, 1, 1, 1)]
SPECTRAL_NORM = Stranger(
    SpectralNorm,
    {"body.0": chain(*_C[:1]), "body.1": chain(*_C[:1]), "body.2": chain(*_C[:2]), "body.4": chain(*_C)},
    target=0,
)


class Picture(nn.Module):
    """Filterbank outputs taken as a picture (batch, 1, band, time), with kernels in two dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Conv1d(1, 16, 64, 16)
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, (3, 5), padding=(1, 0)),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(self.compressed(self.bank(x)).unsqueeze(1)).mean((2, 3)))

    def compressed(self, h: Tensor) -> Tensor:
        return torch.log1p(h.square())


_P0 = chain((64, 16))
_P1 = chain((3, 1, 1, 1), after=_P0, axis=3)
_P2 = chain((2, 2), after=_P1, axis=3)
PICTURE = Stranger(
    Picture,
    {
        "bank": _P0,
        "features.0": _P1,
        "features.2": _P2,
        "features.3": chain((5,), after=_P2, axis=3),
        "features.4": chain((5,), after=_P2, axis=3),
    },
    rewrite={"compressed": lambda model: lambda h: Ruled.apply(h, torch.log1p(h * h), 2 * h / (1 + h * h))},
)


class Lazy(nn.Module):
    """Sizes found out by the first pass, which its author ran."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.LazyConv1d(8, 40, stride=8)
        self.norm = nn.LazyBatchNorm1d()
        self.fc = nn.LazyLinear(3)
        self.eval()
        self(torch.zeros(1, 1, 400))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.silu(self.norm(self.conv(x))).amax(-1))


LAZY = Stranger(Lazy, {"conv": chain((40, 8)), "silu": chain((40, 8))})


class Mixer(nn.Module):
    """A multilayer perceptron over frames and over channels, on a clip of fixed length."""

    input_length = 2560

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Linear(64, 12)
        self.norm1, self.norm2 = nn.LayerNorm(12), nn.LayerNorm(12)
        self.tokens = nn.Sequential(nn.Linear(40, 20), nn.GELU(), nn.Linear(20, 40))
        self.channels = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x.reshape(len(x), 40, 64))
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norm2(x))
        return self.head(x.mean(1))


MIXER = Stranger(
    Mixer,
    {"tokens.1": NOWHERE, "channels.1": endless(chain((64, 64)), 1)},
    samples=2560,
    call=lambda model, wave: model(wave[None]),
)


class Crepe(nn.Module):
    """One frame of 1,024 samples at 16 kHz; a sigmoid over bins of pitch."""

    sample_rate, input_length = 16000, 1024

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, (128, 1), (4, 1)), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 12, (32, 1)), nn.BatchNorm2d(12)
        self.classifier = nn.Linear(64 * 12, 36)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(x))

    def logits(self, x: Tensor) -> Tensor:
        x = x[:, None, :, None]
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(F.pad(x, (0, 0, 62, 62))))), (2, 1))
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(F.pad(x, (0, 0, 15, 16))))), (2, 1))
        x = x.permute(0, 2, 1, 3).reshape(len(x), -1)
        return self.classifier(x)


_K = chain((128, 4, 1, 62))
_KP = chain((2, 2), after=_K)
CREPE = Stranger(
    Crepe,
    {
        "conv1": _K,
        "max_pool2d": _KP,
        "conv2": chain((32, 1, 1, 15), after=_KP),
        "max_pool2d_2": chain((32, 1, 1, 15), (2, 2), after=_KP),
    },
    samples=1024,
    rate=16000,
    call=lambda model, wave: model(wave[None]),
    explained=lambda model, wave: model.logits(wave[None]),
)

ZOO = {
    "functional": FUNCTIONAL,
    "residual": RESIDUAL,
    "dense": DENSE,
    "sample_cnn": SAMPLE_CNN,
    "squeeze_excitation": SQUEEZE_EXCITATION,
    "tcn": TEMPORAL,
    "wavenet": WAVENET,
    "shared": SHARED,
    "weight_norm": WEIGHT_NORM,
    "spectral_norm": SPECTRAL_NORM,
    "picture": PICTURE,
    "lazy": LAZY,
    "mixer": MIXER,
    "crepe": CREPE,
}
