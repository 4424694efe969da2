"""A small AASIST: sinc filters, residual blocks on their outputs as a picture, graph attention (Jung et al. 2022)."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from otoscope.errors import InputError
from otoscope.models.sincnet import SincConv1d


class AASIST(nn.Module):
    """Band-passes, residual blocks over time and band, and attention among bands, among moments, and among both.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 2 are genuine and spoofed speech.
    filters, width : int
        Number of band-pass filters, at least 3, and their length in samples, odd; 70 and 129 in the paper.
    channels : sequence of int
        Of the residual blocks; (32, 32, 64, 64, 64, 64) in the paper.
    nodes : int
        Features of a node of the graphs; 64, then 32 in the paper.
    learnt_bands : bool
        Whether the edges of the filters are trained; in the paper they are fixed.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Jung et al. 2022, *AASIST: Audio Anti-Spoofing Using Integrated Spectro-Temporal Graph Attention Networks*: sinc
    filters whose magnitudes are a picture of band and time, pooled by 3 in both; residual blocks of two convolutions of
    (2, 3) with SELU and pooling by 3 over time; the maximum of the magnitude over time as nodes of bands, over bands
    as nodes of moments; graph attention among each, in which two nodes meet by their product; then attention among
    both kinds, with a map of its own for pairs within a kind and across, and a node that gathers from all. The answer
    is read from maximum and mean of each kind and that node. Here it is smaller, has one such branch and not the
    maximum of two, and drops no nodes between the graphs. Published weights do not fit.

    Examples
    --------
    >>> AASIST(n_classes=3).eval()(torch.zeros(2, 1, 8000)).shape
    torch.Size([2, 3])
    """

    input_length: int | None = None
    padding: str = "repeat"
    classes: tuple[str, ...] | None = None
    name: str = "aasist"

    def __init__(
        self,
        n_classes: int = 2,
        filters: int = 24,
        width: int = 129,
        channels: tuple[int, ...] | list[int] = (8, 8, 16, 16),
        nodes: int = 16,
        learnt_bands: bool = False,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if min(n_classes, nodes, *channels) < 1 or not channels or filters < 3:
            raise InputError(
                "aasist: n_classes, nodes and channels must be at least 1 and filters at least 3, not "
                f"{n_classes}, {nodes}, {list(channels)} and {filters}"
            )
        self.sample_rate = sample_rate
        self.minimum_length = width - 1 + 3 * 3 ** len(channels)
        self.sinc = SincConv1d(filters, width, sample_rate)
        self.sinc.requires_grad_(learnt_bands)
        self.picture = nn.Sequential(OrderedDict(pool=nn.MaxPool2d(3), bn=nn.BatchNorm2d(1), selu=nn.SELU()))
        sizes = zip((1, *channels), channels, strict=False)
        self.blocks = nn.Sequential(*(_Residual(*size, normed=number > 0) for number, size in enumerate(sizes)))
        self.place = nn.Parameter(torch.randn(1, filters // 3, channels[-1]) * 0.1)
        self.among_bands = _GraphAttention(channels[-1], nodes)
        self.among_moments = _GraphAttention(channels[-1], nodes)
        self.among_both = _BothKinds(nodes, nodes)
        self.classifier = nn.Linear(5 * nodes, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        x = self.blocks(self.picture(self.sinc(waveform).abs().unsqueeze(1))).abs()  # (batch, channel, band, time)
        bands = self.among_bands(x.amax(dim=3).transpose(1, 2) + self.place)
        moments = self.among_moments(x.amax(dim=2).transpose(1, 2))
        bands, moments, gathered = self.among_both(bands, moments)
        read = [bands.amax(1), bands.mean(1), moments.amax(1), moments.mean(1), gathered]
        logits: torch.Tensor = self.classifier(torch.cat(read, dim=1))
        return logits


class _Residual(nn.Module):
    """Two convolutions of (2, 3) over band and time beside the input, then pooling by 3 over time."""

    def __init__(self, taken: int, given: int, normed: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(taken) if normed else nn.Identity()
        self.conv1 = nn.Conv2d(taken, given, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(given)
        self.conv2 = nn.Conv2d(given, given, (2, 3), padding=(0, 1))
        self.skip = nn.Conv2d(taken, given, 1) if taken != given else nn.Identity()
        self.normed = normed
        self.pool = nn.MaxPool2d((1, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.selu(self.bn1(x)) if self.normed else x
        y = self.conv2(F.selu(self.bn2(self.conv1(y))))
        found: torch.Tensor = self.pool(y + self.skip(x))
        return found


class _GraphAttention(nn.Module):
    """Every node takes from all by weights that follow from products of pairs, (batch, node, feature)."""

    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        self.pairs = nn.Linear(taken, given)
        self.weight = nn.Linear(given, 1, bias=False)
        self.with_others = nn.Linear(taken, given)
        self.alone = nn.Linear(taken, given)
        self.bn = nn.BatchNorm1d(given)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = torch.tanh(self.pairs(x.unsqueeze(2) * x.unsqueeze(1)))
        attention = self.weight(pairs).squeeze(-1).softmax(dim=-1)  # (batch, node, node)
        y = self.with_others(attention @ x) + self.alone(x)
        return F.selu(self.bn(y.transpose(1, 2)).transpose(1, 2))


class _BothKinds(nn.Module):
    """Graph attention over nodes of two kinds together, and a node that gathers from all."""

    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        self.kinds = nn.ModuleList([nn.Linear(taken, taken), nn.Linear(taken, taken)])
        self.pairs = nn.Linear(taken, given)
        self.within = nn.ModuleList([nn.Linear(given, 1, bias=False), nn.Linear(given, 1, bias=False)])
        self.across = nn.Linear(given, 1, bias=False)
        self.with_others = nn.Linear(taken, given)
        self.alone = nn.Linear(taken, given)
        self.bn = nn.BatchNorm1d(given)
        self.gather_pairs = nn.Linear(taken, given)
        self.gather_weight = nn.Linear(given, 1, bias=False)
        self.gather_with = nn.Linear(taken, given)
        self.gather_alone = nn.Linear(taken, given)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = torch.cat((self.kinds[0](first), self.kinds[1](second)), dim=1)
        count = first.shape[1]
        pairs = torch.tanh(self.pairs(x.unsqueeze(2) * x.unsqueeze(1)))
        scores = self.across(pairs).squeeze(-1)
        upper = torch.cat((self.within[0](pairs[:, :count, :count]).squeeze(-1), scores[:, :count, count:]), dim=2)
        lower = torch.cat((scores[:, count:, :count], self.within[1](pairs[:, count:, count:]).squeeze(-1)), dim=2)
        attention = torch.cat((upper, lower), dim=1).softmax(dim=-1)
        y = self.with_others(attention @ x) + self.alone(x)
        y = F.selu(self.bn(y.transpose(1, 2)).transpose(1, 2))
        mean = x.mean(dim=1, keepdim=True)
        weights = self.gather_weight(torch.tanh(self.gather_pairs(x * mean))).softmax(dim=1)
        gathered = self.gather_with((weights * x).sum(dim=1)) + self.gather_alone(mean.squeeze(1))
        return y[:, :count], y[:, count:], gathered
