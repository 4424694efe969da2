"""Sonification of all maps of CNN12 blocks against one pass of the published algorithm for each map.

The peer is algorithm 1 of the sonification thesis as it stands: for every map a forward pass that keeps the switches,
then unpooling, rectification and transposed convolution block by block. It is timed on a sample of the maps.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from _measure import THREADS, fastest, say_gain
from otoscope.methods.sonify import sounds_of_maps
from otoscope.subject import Subject

SECONDS, PEER_MAPS = 2.5, 8
BLOCKS = {4: "features.pool4", 8: "features.pool8", 11: "features.relu11"}


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    subject = Subject("cnn12")
    model = subject.model
    x = torch.randn(1, 1, int(SECONDS * subject.sample_rate))
    peak_rate = matrix_product_rate()
    print(f"float32 matrix products of 2048 x 2048 run at {peak_rate / 1e9:.0f} GFLOP/s here")
    for block, layer in BLOCKS.items():
        maps = model.features.get_submodule(f"conv{block}").out_channels
        chosen = torch.randperm(maps)[:PEER_MAPS].tolist()
        start = time.perf_counter()
        ours = sounds_of_maps(subject, x, layer=layer, channels="all")
        all_maps = time.perf_counter() - start
        start = time.perf_counter()
        peer = torch.stack([algorithm_1(model.features, x, block, m) for m in chosen])
        per_map = (time.perf_counter() - start) / PEER_MAPS
        found = torch.as_tensor(ours.sonification.values[0, chosen])
        assert torch.allclose(found, peer.reshape(found.shape), atol=1e-3 * float(x.abs().max()))
        say_gain(f"all {maps} maps of block {block}", all_maps, per_map * maps, "algorithm 1 for each map", 1.5)
        rate = maps * operations(model.features, x.shape[-1], block) / all_maps
        print(f"    {rate / 1e9:.0f} GFLOP/s in transposed convolutions, {rate / peak_rate:.0%} of matrix products")
    peak_only(subject, x)


def peak_only(subject: Subject, x: Tensor) -> None:
    """The cost of the peak alone follows the receptive field, not the length of the clip."""
    for layer in ("features.pool4", "features.pool8"):
        seconds = fastest(
            {
                "peak": lambda layer=layer: sounds_of_maps(subject, x, layer=layer, channels=[0, 1], peak=True),
                "whole": lambda layer=layer: sounds_of_maps(subject, x, layer=layer, channels=[0, 1]),
            },
            repeats=3,
        )
        say_gain(f"peaks of 2 maps of {layer}", seconds["peak"], seconds["whole"], "the whole maps", 1)


def algorithm_1(features: nn.Module, x: Tensor, block: int, channel: int) -> Tensor:
    """The sound of one map, scaled to the peak of `x`."""
    with torch.no_grad():
        switches, shapes, y = {}, {}, x
        for i in range(1, block + 1):
            conv = features.get_submodule(f"conv{i}")
            y = F.relu(F.conv1d(y, conv.weight, conv.bias))
            if i <= 8:
                shapes[i] = y.shape
                y, switches[i] = F.max_pool1d(y, 2, return_indices=True)
        back = torch.zeros_like(y)
        back[:, channel] = y[:, channel]
        for i in range(block, 0, -1):
            if i in switches:
                back = F.max_unpool1d(back, switches[i], 2, output_size=shapes[i][-1:])
            back = F.conv_transpose1d(F.relu(back), features.get_submodule(f"conv{i}").weight)
        missing = x.shape[-1] - back.shape[-1]
        back = F.pad(back, (0, missing))
        peak = back.abs().max()
        return back * (x.abs().max() / peak) if peak > 0 else back


def operations(features: nn.Module, length: int, block: int) -> float:
    """Floating-point operations of the transposed convolutions of one map."""
    total = 0.0
    for i in range(1, block + 1):
        conv = features.get_submodule(f"conv{i}")
        length = length - conv.kernel_size[0] + 1
        total += 2.0 * conv.weight.numel() * length
        if i <= 8:
            length //= 2
    return total


def matrix_product_rate(size: int = 2048) -> float:
    """Floating-point operations a second of large float32 matrix products."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / fastest({"product": lambda: a @ b}, repeats=5)["product"]


if __name__ == "__main__":
    main()
