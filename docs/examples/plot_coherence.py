"""
How much of a sound is left
===========================

What goes from one layer to the next is less and less of the sound. Coherence between sounds and the sonifications of
the most active maps puts a number on what is left, layer by layer.
"""

import otoscope
from otoscope import plots
from otoscope.data.vowels import SYMBOLS, vowel_clip

# %%
# A small data set: every vowel, spoken by a man, a woman and a child.

vowels = [vowel_clip(symbol, group, duration=0.4) for symbol in SYMBOLS for group in ("men", "women", "children")]
len(vowels)

# %%
# One model names the vowel. Above, the mean coherence of each layer with its 95 % confidence interval; below, the
# frequencies at which sound and sonification go together.

namer = otoscope.Scope("vowel-name")
result = namer.coherence(vowels)
result.otoscope.plot()

# %%
# The mean hardly falls here. A vowel is periodic, and at its strongest harmonics, which make the mean, the
# sonification of any layer goes along with it. The frequencies tell more: the most active maps of the first layer hear
# less than those above it, and none of the three hears much beyond 4 kHz.
#
# Another one of the same architecture knows low voices from high ones. On the same sounds the two can be compared.

listener = otoscope.Scope("vowel-register")
plots.picture("coherence")({namer.name: result, listener.name: listener.coherence(vowels)})

# %%
# The numbers, and how many sounds they are of:

result[["coherence", "ci_low", "ci_high", "clips"]].to_dataframe().round(3)

# %%
# What a value means is best heard. This is the vowel that is least coherent after the last convolution,

layer = result["layer"].values[-1]
worst = int(result.clip_coherence.sel(layer=layer).argmin("clip"))
vowels[worst].otoscope.play()

# %%
# and this is what the most active map makes of it.

sound = namer.sonify(vowels[worst], layer=layer, channels=int(result["channel"].sel(layer=layer)[worst]))
sound.otoscope.play()
