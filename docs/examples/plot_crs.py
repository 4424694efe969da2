"""
Cumulative response spectra
===========================

Which frequencies of a sound does the first layer of a model emphasise? The cumulative response spectrum (CRS) is the
mean over time of the short-time response spectra.
"""

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.crs import crs

# %%
# Two models of one architecture learnt different first layers from the same sounds. One names the vowel, and responds
# at the formants; the other names the register of the voice, and responds at the fundamental.

vowel = vowel_clip("ah", "women")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
namer, register = otoscope.Scope("vowel-name"), otoscope.Scope("vowel-register")
curves = [namer.crs(vowel), register.crs(vowel)]
ax = crs(curves)
ax.set_xlim(0, 4)

# %%
# The frequencies of their peaks:

for curve in curves:
    print(f"{curve.attrs['model']}: {float(curve.peak_frequency):.0f} Hz")

# %%
# On a logarithmic axis of frequency the lowest bands get more room.

crs([namer.crs(vowel, scale="log"), register.crs(vowel, scale="log")])
