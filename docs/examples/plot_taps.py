"""
What is inside a model
======================

One forward pass finds every convolution, activation and pooling of a model, names it, and tells where it stands in
time. Each of these points is a *tap*: it can be read, drawn, and sent back to the waveform.
"""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The model is used as it is. Calls such as ``F.relu`` are seen as well as modules, and so is the weight that really
# reaches an operation, even where it is computed on the way.


class Small(nn.Module):
    """Two convolutions, one with a normalised weight, and activations that are not modules."""

    def __init__(self):
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 16, 80, stride=4))
        self.second = nn.Conv1d(16, 32, 5, dilation=2)

    def forward(self, wave):
        x = F.max_pool1d(F.relu(self.first(wave)), 4)
        return self.second(x).relu().mean(-1)


torch.manual_seed(0)
scope = otoscope.Scope(Small(), sample_rate=16_000)
taps = scope.taps()
print(taps)

# %%
# *Hop* is how many samples of the waveform lie between two elements of a feature map, *receptive field* how many of
# them one element sees.

tap = taps["second"]
print(f"every {1000 / tap.rate:g} ms, {1000 * tap.receptive_field_seconds:.1f} ms are seen")

# %%
# What a tap holds can be read, with the time of each element: here the strongest feature maps of the last
# convolution of a trained model, for a vowel.

scope = otoscope.Scope(otoscope.load("vowel-name"))
vowel = vowel_clip("ah", "women")
value = otoscope.read_taps(scope.network, scope.inputs(vowel), ["relu3"])["relu3"]
times = scope.taps(vowel)["relu3"].times()

fig, ax = plt.subplots()
for channel in value[0].mean(-1).topk(4).indices.tolist():
    ax.plot(times, value[0, channel], label=f"map {channel}")
ax.set(xlabel="time (s)", ylabel="activation", ylim=(0, None))
ax.legend(ncols=2, loc="lower center")
