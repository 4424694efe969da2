"""
A model learns
==============

A small network learns to know low voices from high ones. How much do its filters move in each step, and what do its
maps hear at each checkpoint?
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

import otoscope
from otoscope.data.find import find_sounds
from otoscope.data.vowels import vowel_clip
from otoscope.models.vowelnet import VowelNet
from otoscope.training import ChangeRate

# %%
# Sixty steps on 96 synthesised vowels, with a checkpoint every fifteen. The change rate is watched by a hook
# on the optimizer.

vowels = find_sounds("vowels", by="register", limit=96)
waves = torch.from_numpy(np.stack([item.sound.values[:2400] for item in vowels]))[:, None]
torch.manual_seed(0)
model = VowelNet(["low", "mid", "high"], channels=(16, 16, 24))
truth = torch.tensor([model.classes.index(label) for (label,) in (item.labels for item in vowels)])

run = Path(tempfile.mkdtemp())
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
rate = ChangeRate(model)
losses = []
with rate.watch(optimizer):
    for step in range(61):
        if step % 15 == 0:
            torch.save(model.state_dict(), run / f"step{step}.pt")
        drawn = torch.randperm(len(waves))[:16]
        loss = torch.nn.functional.cross_entropy(model(waves[drawn]), truth[drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
f"loss {losses[0]:.2f} at first, {np.mean(losses[-5:]):.2f} in the end"

# %%
# Change rate of single weights, as published: its spikes are weights that pass through zero.

rate.result().otoscope.plot()

# %%
# The change of each layer as a whole is smoother.

rate.result().otoscope.plot(variable="change")

# %%
# The map of the last layer that is most active in the end, at every checkpoint, for one vowel. It begins with all of
# the spectrum and comes to favour low frequencies, where the voice's fundamental is.

scope = otoscope.Scope(model)
features = scope.evolution(vowel_clip("ah", "women"), checkpoints=run, layer="relu3")
features.otoscope.plot()

# %%
# At first:

channel = features.channel.values[0]
features.otoscope.play(checkpoint=0, channel=channel)

# %%
# In the end:

features.otoscope.play(checkpoint=60, channel=channel)
