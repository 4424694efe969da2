"""
Listen to a layer of your own model
===================================

What does a feature map in the middle of your network hear? Its activations are carried back to the waveform, through
every layer below, and make a sound. The network is used as it is: nothing in it is edited.
"""
# sphinx_gallery_thumbnail_number = 1

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# Your own model: any module that takes waveforms. This one calls its activations as functions, which hooks do not see.


class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.ear = nn.Conv1d(1, 32, 160, stride=8)
        self.middle = nn.Conv1d(32, 32, 9)
        self.head = nn.Linear(32, 2)

    def forward(self, waveform):
        heard = F.relu(self.ear(waveform))
        heard = F.relu(self.middle(F.max_pool1d(heard, 4)))
        return self.head(heard.mean(-1))


# %%
# It learns two vowels, in voices of all pitches, in a few seconds.

torch.manual_seed(0)
names = ["ah", "iy"]
pitches = torch.linspace(90, 260, 16).tolist()
sounds = np.stack([vowel_clip(name, f0=f0, duration=0.2).values for name in names for f0 in pitches])
inputs = torch.from_numpy(sounds)[:, None]
labels = torch.arange(2).repeat_interleave(len(pitches))
model = Mine()
optimiser = torch.optim.Adam(model.parameters(), 3e-3)
for _ in range(60):
    loss = F.cross_entropy(model(inputs), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"loss at the end: {loss.item():.3f}")

# %%
# What can be listened to? Every convolution, activation and pooling, with its place in time.

scope = otoscope.Scope(model, sample_rate=16_000, classes=names)
scope.taps()

# %%
# The three most active maps of the second activation, in one vowel. A triangle marks the strongest activation.

vowel = vowel_clip("ah", "women")
maps = scope.sonify(vowel, layer="relu_2", n_maps=3)
maps.otoscope.plot()

# %%
# First the vowel, then each map, at the level that it comes out with:

vowel.otoscope.play()

# %%

maps.otoscope.play()

# %%
# Is a map silent in one vowel and not in the other? Then it tells them apart.

for name in names:
    active = scope.activations(vowel_clip(name, "women"), layer="relu_2")
    print(name, [f"map {int(k)}: {float(active.rms.sel(map=active.channel == k)[0]):.2f}" for k in maps.channel])

# %%
# Everything that can be seen and heard of this sound in this model, on one page:

scope.explore(vowel, n_maps=4)
