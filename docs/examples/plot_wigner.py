"""
Kernels in time and frequency
=============================

Each kernel of a first layer takes up some room in time and in frequency. The Wigner-Ville distribution shows which, for
all kernels in one picture.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import otoscope
from otoscope.models.vowelnet import VowelNet

# %%
# A model that names vowels, at 16 kHz, with kernels of 20 ms. No sound is needed: the kernels alone are looked at.

scope = otoscope.Scope("vowel-name")
kernels = scope.wigner()
kernels.otoscope.plot()

# %%
# Each contour is one kernel, at 0.7 of its peak; the grey is the energy of all of them together. Most kernels are long
# and flat, so they resolve frequency rather than time, and nearly all lie where vowels have their first two
# formants.

peaks = kernels.peak_frequency
print(
    f"{float((peaks < 3000).mean()):.0%} of the kernels have their peak below 3 kHz, half of them below "
    f"{float(peaks.median()):.0f} Hz"
)

# %%
# Before training there is no such order. A random kernel has many frequencies at once, between which the distribution
# oscillates, so that its contours are specks around the middle of the plane.

torch.manual_seed(0)
random = otoscope.Scope(VowelNet(scope.classes), name="random weights").wigner()
random.otoscope.plot()
print(f"of random kernels, {float((random.peak_frequency < 3000).mean()):.0%} have their peak below 3 kHz")

# %%
# The model with another task, trained on the same sounds, needs lower bands: the height of a voice is heard in its
# fundamental and lowest harmonics.

other = otoscope.Scope("vowel-register").wigner()
other.otoscope.plot()

# %%
# And the contours around 4 kHz? The distribution is quadratic, so that midway between two components of a kernel lies
# an interference, which can be higher than both. The sum over time shows it: it is exactly the power spectrum of the
# kernels, in which interference cancels. There is little at 4 kHz, and more on both sides of it.

power = other.energy.sum("time")
fig, ax = plt.subplots()
ax.plot(power.frequency / 1000, 10 * np.log10(power / power.max()))
ax.set(xlabel="frequency (kHz)", ylabel="energy of all kernels (dB re peak)")
