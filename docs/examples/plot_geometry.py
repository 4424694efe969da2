"""
Geometry of the weights
=======================

Are the kernels of a layer spread over all directions, or do many of them repeat each other? Seen as a dictionary of
atoms, a layer has frame bounds, angles and coherences that answer, without any sound.
"""
# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import torch

import otoscope
from otoscope.models.vowelnet import VowelNet

# %%
# Three convolutions of a trained model. The larger the angle from a kernel to its nearest neighbour, the less they
# repeat each other.

trained = otoscope.Scope("vowel-name")
geometry = trained.geometry()
geometry.otoscope.plot()

# %%
# The numbers behind the picture:

print(geometry[["A", "B", "beta_avg", "mu", "mu_avg"]].to_dataframe().round(3))

# %%
# Was it training that brought them together? In the same architecture with random weights kernels are close
# to orthogonal. Training turned those of every layer towards each other, the least in the first.

torch.manual_seed(0)
random = otoscope.Scope(VowelNet(trained.classes), name="random weights").geometry()

fig, ax = plt.subplots()
for result in (random, geometry):
    ax.plot(result.layer.values, result.beta_avg, marker="o", label=result.attrs["model"])
ax.set(ylabel="angle to the nearest (degrees)", ylim=(0, 95))
ax.legend()

# %%
# The babel function adds up, for the kernel that is worst off, its coherence with its one, two, three ... nearest
# neighbours.

fig, ax = plt.subplots()
for layer in geometry.layer.values:
    ax.plot(geometry.order, geometry.babel.sel(layer=layer), label=str(layer))
ax.set(xlabel="neighbours counted", ylabel="babel function", ylim=(0, None))
ax.legend()
