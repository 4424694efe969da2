"""
What maps are tuned to
======================

Tones of every frequency, noise of every level, and noise modulated at every rate: three curves for every map, as a
physiologist measures them of a neuron.
"""

import numpy as np

import otoscope

# %%
# The last convolution of a model that was trained on spoken digits. Many of its maps prefer a band around 500 Hz, where
# vowels have their first formant. Their response grows more slowly than the sound, and they follow modulations best at
# about 4 Hz, the rate of syllables.

scope = otoscope.Scope("fsdd-digit")
curves = scope.tuning(layer="relu11")
curves.otoscope.plot()

# %%
# Layer by layer the maps care less about how loud a sound is (above the level from which on they answer).

for layer in ("pool1", "pool4", "pool8", "relu11"):
    found = scope.tuning(layer=layer, bins_per_octave=2)
    print(f"{layer:>7}: median exponent {np.nanmedian(found.exponent):.2f}")
