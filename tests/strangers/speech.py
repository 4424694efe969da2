"""Networks for speech and speakers: attention, recurrence, graphs, statistics pooling."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from strangers.by_hand import RELU, Ruled
from strangers.stranger import NOWHERE, At, Stranger, chain, endless


class ConvModule(nn.Module):
    """Pointwise with GLU, depthwise, batch-norm, swish, pointwise."""

    def __init__(self, d: int, kernel: int = 7) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.pointwise1 = nn.Conv1d(d, 2 * d, 1)
        self.depthwise = nn.Conv1d(d, d, kernel, padding=kernel // 2, groups=d)
        self.bn, self.act = nn.BatchNorm1d(d), nn.SiLU()
        self.pointwise2 = nn.Conv1d(d, d, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.glu(self.pointwise1(self.norm(x).transpose(1, 2)), dim=1)
        return self.pointwise2(self.act(self.bn(self.depthwise(x)))).transpose(1, 2)


class FeedForward(nn.Sequential):
    def __init__(self, d: int) -> None:
        super().__init__(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.SiLU(), nn.Dropout(0.1), nn.Linear(2 * d, d))


class Conformer(nn.Module):
    """Two half feed-forward steps around self-attention and a convolution."""

    def __init__(self, d: int = 12) -> None:
        super().__init__()
        self.subsample = nn.Sequential(nn.Conv1d(1, d, 64, 32), nn.ReLU(), nn.Conv1d(d, d, 3, 2))
        self.ff1, self.ff2, self.conv = FeedForward(d), FeedForward(d), ConvModule(d)
        self.norm_att, self.attention = nn.LayerNorm(d), nn.MultiheadAttention(d, 2, batch_first=True)
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.subsample(x).transpose(1, 2)
        x = x + 0.5 * self.ff1(x)
        y = self.norm_att(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.conv(x)
        x = x + 0.5 * self.ff2(x)
        return self.head(self.norm(x).mean(1))


_C0 = chain((64, 32))
_C1 = chain((3, 2), after=_C0)
CONFORMER = Stranger(
    Conformer,
    {
        "subsample.0": _C0,
        "subsample.1": _C0,
        "subsample.2": _C1,
        "ff1.2": chain(after=_C1, axis=1),
        "conv.pointwise1": endless(_C1),
        "conv.depthwise": endless(_C1),
        "conv.act": endless(_C1),
        "ff2.2": endless(_C1, 1),
    },
)


class FeatureEncoder(nn.Module):
    """Strided convolutions, group norm after the first, GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv1d(1, 12, 10, 5, bias=False), nn.Conv1d(12, 12, 3, 2, bias=False), nn.Conv1d(12, 12, 2, 2)]
        )
        self.group = nn.GroupNorm(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = conv(x)
            x = F.gelu(self.group(x) if i == 0 else x)
        return x


class SpeechTransformer(nn.Module):
    """(batch, time) in: a feature encoder, convolutional positions, a transformer."""

    def __init__(self, d: int = 12) -> None:
        super().__init__()
        self.features, self.project = FeatureEncoder(), nn.Linear(12, d)
        self.positions = nn.utils.parametrizations.weight_norm(nn.Conv1d(d, d, 8, padding=4, groups=2), dim=2)
        layer = nn.TransformerEncoderLayer(d, 2, 24, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Linear(d, 3)

    def forward(self, wave: Tensor) -> Tensor:
        x = self.project(self.features(wave.unsqueeze(1)).transpose(1, 2))
        x = x + F.gelu(self.positions(x.transpose(1, 2))[..., :-1]).transpose(1, 2)
        return self.classifier(self.encoder(x).mean(1))


_G = [(10, 5), (3, 2), (2, 2)]
WAV2VEC = Stranger(
    SpeechTransformer,
    {
        "features.convs.0": chain(*_G[:1]),
        "features.gelu": endless(chain(*_G[:1])),
        "features.convs.2": endless(chain(*_G)),
        "positions": endless(chain(*_G)),
    },
    samples=2000,
    call=lambda model, wave: model(wave[None]),
)


class Res2Block(nn.Module):
    """A part of the channels after another, each with what the one before returned."""

    def __init__(self, channels: int, dilation: int, scale: int = 4) -> None:
        super().__init__()
        self.scale, width = scale, channels // scale
        self.tdnn1, self.tdnn2 = nn.Conv1d(channels, channels, 1), nn.Conv1d(channels, channels, 1)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation) for _ in range(scale - 1)
        )
        self.se1, self.se2 = nn.Conv1d(channels, 4, 1), nn.Conv1d(4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.tdnn1(x))
        parts = torch.chunk(y, self.scale, dim=1)
        done = [parts[0]]
        for i, conv in enumerate(self.convs):
            done.append(F.relu(conv(parts[i + 1] if i == 0 else parts[i + 1] + done[-1])))
        y = F.relu(self.tdnn2(torch.cat(done, 1)))
        weights = torch.sigmoid(self.se2(F.relu(self.se1(y.mean(2, keepdim=True)))))
        return x + weights * y


class Ecapa(nn.Module):
    """Res2 blocks, their outputs joined, attentive statistics pooling; cosine scores."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(1, 16, 80, 40)
        self.block1, self.block2 = Res2Block(16, 1), Res2Block(16, 2)
        self.mfa = nn.Conv1d(32, 24, 1)
        self.attention = nn.Sequential(nn.Conv1d(72, 8, 1), nn.Tanh(), nn.Conv1d(8, 24, 1))
        self.norm, self.fc = nn.BatchNorm1d(48), nn.Linear(48, 12)
        self.speakers = nn.Parameter(torch.randn(5, 12))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.front(x))
        a = self.block1(x)
        b = self.block2(a)
        h = F.relu(self.mfa(torch.cat([a, b], 1)))
        mean = h.mean(2, keepdim=True)
        deviation = (h.var(2, keepdim=True) + 1e-5).sqrt()
        context = torch.cat([h, mean.expand_as(h), deviation.expand_as(h)], 1)
        w = torch.softmax(self.attention(context), dim=2)
        mu = (w * h).sum(2)
        sigma = ((w * h**2).sum(2) - mu**2).clamp(min=1e-5).sqrt()
        embedding = self.fc(self.norm(torch.cat([mu, sigma], 1)))
        return F.linear(F.normalize(embedding), F.normalize(self.speakers))


_B = chain((80, 40))
_B1 = [chain(*[(3, 1, 1, 1)] * n, after=_B) for n in range(4)]
ECAPA = Stranger(
    Ecapa,
    {"front": _B, "relu": _B, "block1.tdnn1": _B}
    | {f"block1.convs.{i}": _B1[i + 1] for i in range(3)}
    | {"block1.tdnn2": _B1[3], "block2.convs.2": endless(_B), "mfa": endless(_B), "attention.1": endless(_B)},
)


class SincBank(nn.Module):
    """Band-pass kernels from their edges on the mel scale, fixed."""

    def __init__(self, bands: int, width: int) -> None:
        super().__init__()
        mel = torch.linspace(0, 2595 * math.log10(1 + 4000 / 700), bands + 1)
        self.register_buffer("edges", 700 * (10 ** (mel / 2595) - 1) / 8000)
        self.register_buffer("time", torch.arange(-(width // 2), width // 2 + 1).float())

    def forward(self, x: Tensor) -> Tensor:
        low, high = self.edges[:-1, None], self.edges[1:, None]
        kernels = 2 * high * torch.sinc(2 * high * self.time) - 2 * low * torch.sinc(2 * low * self.time)
        kernels = kernels * torch.hamming_window(len(self.time)).to(x)
        return F.conv1d(x, kernels[:, None].to(x))


class GraphAttention(nn.Module):
    """Each node weighs the others by a map over pairs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pair, self.with_att, self.without = (
            nn.Linear(inputs, outputs),
            nn.Linear(inputs, outputs),
            nn.Linear(inputs, outputs),
        )
        self.weight = nn.Parameter(torch.randn(outputs, 1) * 0.5)
        self.bn, self.act = nn.BatchNorm1d(outputs), nn.SELU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        att = torch.tanh(self.pair(x.unsqueeze(2) * x.unsqueeze(1)))
        att = F.softmax(torch.matmul(att, self.weight) / 2.0, dim=-2)
        x = self.with_att(torch.matmul(att.squeeze(-1), x)) + self.without(x)
        x = self.bn(x.transpose(1, 2)).transpose(1, 2)
        return self.act(x)


class GraphPool(nn.Module):
    """The best half of the nodes, each weighted by its score."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, 1)

    def forward(self, h: Tensor) -> Tensor:
        scores = torch.sigmoid(self.proj(h))
        h = h * scores
        _, index = torch.topk(scores, max(h.shape[1] // 2, 1), dim=1)
        return torch.gather(h, 1, index.expand(-1, -1, h.shape[2]))


class Spoof(nn.Module):
    """Sinc bank as a picture, SELU in place, residual stages in two dimensions, graphs over bands and over time."""

    def __init__(self) -> None:
        super().__init__()
        self.sinc = SincBank(16, 65)
        self.first_bn, self.selu = nn.BatchNorm2d(1), nn.SELU(inplace=True)
        self.conv1 = nn.Conv2d(1, 6, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, (2, 3), padding=(0, 1))
        self.downsample = nn.Conv2d(1, 6, (1, 3), padding=(0, 1))
        self.pool = nn.MaxPool2d((1, 3))
        self.pos = nn.Parameter(torch.randn(1, 5, 6) * 0.3)
        self.gat_s, self.gat_t = GraphAttention(6, 6), GraphAttention(6, 6)
        self.pool_s, self.pool_t = GraphPool(6), GraphPool(6)
        self.out = nn.Linear(24, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.sinc(x.unsqueeze(1)).unsqueeze(1)
        x = F.max_pool2d(torch.abs(x), (3, 6))
        x = self.selu(self.first_bn(x))
        y = self.conv2(self.selu(self.bn2(self.conv1(x))))
        y += self.downsample(x)
        e = self.pool(y)
        s = self.gat_s(e.abs().max(dim=3)[0].transpose(1, 2) + self.pos)
        t = self.gat_t(e.abs().max(dim=2)[0].transpose(1, 2))
        s, t = self.pool_s(s), self.pool_t(t)
        hidden = torch.cat([s.abs().max(1)[0], s.mean(1), t.abs().max(1)[0], t.mean(1)], dim=1)
        return hidden, self.out(hidden)


_X0 = chain((65,))
_X1 = chain((6, 6), after=_X0, axis=3)
_X2 = chain((3, 1, 1, 1), after=_X1, axis=3)
_X3 = chain((3, 1, 1, 1), after=_X2, axis=3)
_X4 = chain((3, 3), after=_X3, axis=3)
AASIST = Stranger(
    Spoof,
    {
        "sinc.conv1d": _X0,
        "max_pool2d": _X1,
        "selu": _X1,
        "conv1": _X2,
        "selu_2": _X2,
        "conv2": _X3,
        "downsample": _X2,
        "pool": _X4,
        "gat_s.tanh": NOWHERE,
        "gat_t.tanh": At((1, 2), 18.0, None),
        "gat_t.act": endless(_X4, 1),
    },
    samples=2400,
    given={"output": 1},
    call=lambda model, wave: model(wave[None])[1],
)


class FilterScale(nn.Module):
    """Feature maps scaled, and shifted, by their own means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.sigmoid(self.fc(F.adaptive_avg_pool1d(x, 1).view(len(x), -1))).view(len(x), -1, 1)
        return x * y + y


class RawNet(nn.Module):
    """Layer norm on the samples, sinc bank, pre-activated residual blocks with feature-map scaling, GRU."""

    input_length = 2400

    def __init__(self) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(2400)
        self.sinc = SincBank(10, 31)
        self.first_bn, self.lrelu = nn.BatchNorm1d(10), nn.LeakyReLU(0.3)
        self.bn = nn.BatchNorm1d(10)
        self.conv1, self.conv2 = nn.Conv1d(10, 12, 3, padding=1), nn.Conv1d(12, 12, 3, padding=1)
        self.down, self.mp = nn.Conv1d(10, 12, 1), nn.MaxPool1d(3)
        self.fms = FilterScale(12)
        self.bn_gru, self.gru = nn.BatchNorm1d(12), nn.GRU(12, 10, batch_first=True)
        self.fc1, self.fc2 = nn.Linear(10, 10), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sinc(self.ln(x).unsqueeze(1))
        x = self.lrelu(self.first_bn(F.max_pool1d(torch.abs(x), 3)))
        y = self.conv2(self.lrelu(self.conv1(self.lrelu(self.bn(x)))))
        x = self.fms(self.mp(y + self.down(x)))
        x = self.gru(self.lrelu(self.bn_gru(x)).permute(0, 2, 1))[0][:, -1]
        return self.fc2(self.fc1(x))


_Y0 = chain((31,))
_Y1 = chain((3, 3), after=_Y0)
RAWNET = Stranger(
    RawNet,
    {
        "sinc.conv1d": endless(_Y0),
        "max_pool1d": endless(_Y1),
        "lrelu": endless(_Y1),
        "conv1": endless(_Y1),
        "mp": endless(chain((3, 3), after=_Y1)),
        "lrelu_4": endless(chain((3, 3), after=_Y1)),
    },
    samples=2400,
    call=lambda model, wave: model(wave[None]),
)


def _level_by_hand(x: Tensor) -> Tensor:
    h = x.detach()
    size = torch.sqrt(h * h) + 1e-6
    return Ruled.apply(x, torch.log(size), torch.sign(h) / size)


class PreEmphasis(nn.Module):
    def __init__(self, coefficient: float = 0.97) -> None:
        super().__init__()
        self.register_buffer("flipped", torch.tensor([[[-coefficient, 1.0]]]))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(F.pad(x.unsqueeze(1), (1, 0), mode="reflect"), self.flipped)


class RawNet3(nn.Module):
    """Pre-emphasis by a convolution, instance norm, magnitudes of a strided filterbank, log and mean normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocess = nn.Sequential(PreEmphasis(), nn.InstanceNorm1d(1, eps=1e-4, affine=True))
        self.filters = nn.Conv1d(1, 24, 125, 10, bias=False)
        self.relu, self.bn = nn.ReLU(), nn.BatchNorm1d(24)
        self.layer = Res2Block(24, 2)
        self.attention = nn.Sequential(nn.Conv1d(24, 8, 1), nn.ReLU(), nn.Conv1d(8, 24, 1), nn.Softmax(dim=2))
        self.fc = nn.Linear(24, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.level(self.filters(self.preprocess(x)))
        x = x - torch.mean(x, dim=-1, keepdim=True)
        x = self.layer(self.bn(self.relu(x)))
        return self.fc((x * self.attention(x)).sum(2))

    def level(self, x: Tensor) -> Tensor:
        return torch.log(torch.abs(x) + 1e-6)


_Z0 = chain((2, 1, 1, 1))
_Z1 = chain((125, 10), after=_Z0)
RAWNET3 = Stranger(
    RawNet3,
    {"preprocess.0.conv1d": _Z0, "filters": endless(_Z1), "relu": endless(_Z1), "layer.convs.1": endless(_Z1)},
    call=lambda model, wave: model(wave[None]),
    rewrite={"level": lambda model: _level_by_hand},
)


class Perceiver(nn.Module):
    """A few latents attend to all frames, then to each other."""

    def __init__(self, d: int = 12) -> None:
        super().__init__()
        self.patch = nn.Conv1d(1, d, 40, 40)
        self.latents = nn.Parameter(torch.randn(4, d))
        self.norm_x, self.norm_l = nn.LayerNorm(d), nn.LayerNorm(d)
        self.to_q, self.to_kv = nn.Linear(d, d, bias=False), nn.Linear(d, 2 * d, bias=False)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.head = nn.Linear(d, 3)

    def cross(self, latents: Tensor, x: Tensor) -> Tensor:
        q = self.to_q(self.norm_l(latents))
        k, v = self.to_kv(self.norm_x(x)).chunk(2, dim=-1)
        w = torch.einsum("bld,btd->blt", q, k).mul(q.shape[-1] ** -0.5).softmax(-1)
        return torch.einsum("blt,btd->bld", w, v)

    def forward(self, x: Tensor) -> Tensor:
        x = F.elu(self.patch(x)).transpose(1, 2)
        latents = self.latents.expand(len(x), -1, -1)
        latents = latents + self.cross(latents, x)
        latents = latents + self.mlp(latents)
        return self.head(latents.mean(1))


_L = chain((40, 40))
PERCEIVER = Stranger(Perceiver, {"patch": _L, "elu": _L, "mlp.1": NOWHERE})


class TimeFirst(nn.Module):
    """Frames before clips, as recurrences and transformers take them by default; frames in the batch at the end."""

    def __init__(self, d: int = 12) -> None:
        super().__init__()
        self.conv, self.gru = nn.Conv1d(1, d, 80, 40), nn.GRU(d, d)
        self.encoder = nn.TransformerEncoderLayer(d, 2, 2 * d, dropout=0.1)
        self.frame, self.head = nn.Linear(d, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        h, _ = self.gru(F.elu(self.conv(x).permute(2, 0, 1)))
        h = self.encoder(h)
        frames = F.silu(self.frame(h.reshape(-1, h.shape[-1])))
        return self.head(frames.view(len(h), len(x), -1).mean(0))


_T = chain((80, 40))
TIME_FIRST = Stranger(
    TimeFirst,
    {"conv": _T, "elu": chain((80, 40), axis=0), "encoder.relu": endless(_T, 0), "silu": endless(_T, 0)},
    rewrite={"encoder.activation": lambda layer: RELU},
)

ZOO = {
    "time_first": TIME_FIRST,
    "conformer": CONFORMER,
    "wav2vec": WAV2VEC,
    "ecapa": ECAPA,
    "aasist": AASIST,
    "rawnet": RAWNET,
    "rawnet3": RAWNET3,
    "perceiver": PERCEIVER,
}
