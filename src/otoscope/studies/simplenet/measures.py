"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

import numpy as np

from otoscope.studies.estimate import Estimate, mean_of, share
from otoscope.studies.found import Found

_LOW, _HIGH = ("share_0_2000", "share_2000_4000"), ("share_4000_6000", "share_6000_8000")


def first_layer(found: Found) -> Estimate:
    """The share of each output of the first layer in its own band, the lower of both."""
    shares = [_in(found, output, bands) for output, bands in (("1,1", _LOW), ("1,2", _HIGH))]
    return mean_of(np.minimum(*shares), _of(found, "flow"))


def both_bands(found: Found) -> Estimate:
    """The share of Output (2,1) at 2 to 4 and 6 to 8 kHz."""
    return mean_of(_in(found, "2,1", (_LOW[1], _HIGH[1])), _of(found, "flow"))


def all_stop(found: Found) -> Estimate:
    """The energy of Output (2,2) over that of the sound."""
    return mean_of(found.values("flow", "gain", output="2,2"), _of(found, "flow"))


def one_layer(found: Found) -> Estimate:
    """How far two layers are from one, at the worst of each draw."""
    return mean_of(found.values("one_layer", "error"), "random kernels and sounds")


def folded(found: Found) -> Estimate:
    """The share of Output (1,2) that pooling folds, in the network of Fig. 3."""
    return mean_of(found.values("pooled", "plain_folded", output="1,2"), _of(found, "pooled"))


def indistinguishable(found: Found) -> Estimate:
    """How many pairs of tones come out at one frequency, to 20 Hz."""
    low, high = found.values("tones", "low"), found.values("tones", "high")
    return share(int((np.abs(low - high) <= 20).sum()), len(low), "pairs of tones")


def poolings(found: Found) -> Estimate:
    """How many of the two statements on the poolings of SoundNet and WaveRNN are so."""
    sizes = {
        name: [row["size"] for row in found.rows("architectures", model=name) if "Pool" in row["operation"]]
        for name in ("soundnet", "wavernn")
    }
    convolutions = sum("Conv" in row["operation"] for row in found.rows("architectures", model="wavernn"))
    fulfilled = (sizes["soundnet"] == [8, 8, 4]) + (len(sizes["wavernn"]) == 8 == convolutions)
    return Estimate(float(fulfilled), of="the networks of the zoo")


def folding_beyond_relu(found: Found) -> Estimate:
    """What decimation folds minus what ReLU adds, mean of both outputs."""
    return _beyond(found, "relu")


def folding_beyond_maximum(found: Found) -> Estimate:
    """What decimation folds minus what the maximum adds, mean of both outputs."""
    return _beyond(found, "maximum")


def grows(found: Found) -> Estimate:
    """Slope over poolings of the logarithm (base 2) of the input bands in an output band, channel by channel."""
    slopes = []
    for model in found.distinct("growth", "model"):
        first = found.rows("growth", model=model, pooling=1)
        for channel in range(len(first)):
            rows = found.rows("growth", model=model, channel=channel)
            bands = np.array([row["bands"] for row in rows])
            slopes.append(float(np.polyfit([row["pooling"] for row in rows], np.log2(bands), 1)[0]))
    return mean_of(slopes, f"SoundNet and WaveRNN, random weights, {len(slopes)} channels")


def energy_of_bands(found: Found) -> Estimate:
    """Rank correlation of the pooled output with the energy of its band, the lower of average and maximum."""
    each = np.minimum(*(found.values("energies", name) for name in ("average", "maximum")))
    return mean_of(each, _of(found, "energies"))


def suppression(found: Found) -> Estimate:
    """The range of levels of the bands after the sigmoid minus before it."""
    change = found.values("sigmoid", "after") - found.values("sigmoid", "before")
    return mean_of(change, _of(found, "sigmoid"), "dB")


def decimation_moves_more_than_relu(found: Found) -> Estimate:
    """What the decimation moves between the halves minus what ReLU moves, each on its input split in halves."""
    return _moves_more(found, "relu")


def decimation_moves_more_than_maximum(found: Found) -> Estimate:
    """The same against the maximum."""
    return _moves_more(found, "maximum")


def _moves_more(found: Found, other: str) -> Estimate:
    each = [
        found.values("band_split", "moved", output=output, operation="decimation")
        - found.values("band_split", "moved", output=output, operation=other)
        for output in ("1,1", "1,2")
    ]
    return mean_of(np.mean(each, axis=0), _of(found, "band_split"))


def _beyond(found: Found, other: str) -> Estimate:
    each = [
        found.values("pooled", "folded", output=output) - found.values("pooled", other, output=output)
        for output in ("1,1", "1,2")
    ]
    return mean_of(np.mean(each, axis=0), _of(found, "pooled"))


def _in(found: Found, output: str, bands: tuple[str, ...]) -> np.ndarray:
    return np.asarray(sum(found.values("flow", band, output=output) for band in bands))


def _of(found: Found, table: str) -> str:
    return f"ESC-10, {len(found.distinct(table, 'clip'))} clips"
