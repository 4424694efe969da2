"""
What deeper layers respond to
=============================

Kernels of deeper layers read feature maps, and their Fourier transform says nothing about sound. Sines do: played one
after another, they show which frequencies excite each map.
"""

import matplotlib.pyplot as plt
import numpy as np

import otoscope

# %%
# In the first layer the measured gain is the magnitude response of the kernel.

scope = otoscope.Scope("vowel-name")
bins = scope.filters(n_fft=1024)
measured = scope.tone_response(layer="conv1", frequencies=bins.frequency.values[8:-1:32])
difference = np.abs(measured.gain.values - bins.magnitude.values[:, 8:-1:32]).max()
print(f"largest difference {difference:.1e}, largest gain {float(measured.gain.max()):.1f}")

# %%
# Behind the second convolution most maps of a model that names vowels still prefer one band, now between 0.8 and 3 kHz.
# Maps that answer to no single sine are black.

scope.tone_response(layer="relu2", bins_per_octave=6).otoscope.plot()

# %%
# A model of the same architecture that names the register of a voice hears the fundamental all the way up.

other = otoscope.Scope("vowel-register")
other.tone_response(layer="relu2", bins_per_octave=6).otoscope.plot()

# %%
# The best frequencies of the maps, layer by layer, of both models.

layers = ["relu1", "relu2", "relu3"]
_, ax = plt.subplots(figsize=(3.4, 2.2), layout="constrained")
for shift, one in ((-0.17, scope), (0.17, other)):
    best = [
        one.tone_response(layer=layer, bins_per_octave=3).best_frequency.dropna("channel").values for layer in layers
    ]
    parts = ax.boxplot(best, positions=np.arange(3) + shift, widths=0.25, whis=(5, 95), showfliers=False)
    for median in parts["medians"]:
        median.set_color("#b73779" if one is scope else "#000004")
    ax.plot([], [], color="#b73779" if one is scope else "#000004", label=one.name)
ax.set(xticks=range(3), xticklabels=layers, yscale="log", ylabel="best frequency (Hz)", ylim=(50, 8000))
ax.legend(fontsize=7, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
