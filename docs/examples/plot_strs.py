"""
Response spectra
================

Which frequencies does the first layer of a model respond to, and when? The short-time response spectra (STRS) answer
for every moment of a sound, the cumulative response spectrum (CRS) is their mean over time.
"""
# sphinx_gallery_thumbnail_number = 2

import otoscope
from otoscope import plots
from otoscope.data.vowels import vowel_clip

# %%
# The sound is a vowel, synthesised with a known fundamental frequency and formants.

vowel = vowel_clip("ah", "women")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
vowel.otoscope.play()

# %%
# Its spectrogram shows the harmonics, and the formants as the bands in which they are strong.

plots.spectrogram(vowel)

# %%
# The response spectra look much like it, but they went through the kernels of the first layer. This model tells
# vowels apart: it keeps what lies below 3.8 kHz, where the first three formants are, and weakens the rest.

namer = otoscope.Scope(otoscope.load("vowel-name"))
spectra = namer.strs(vowel)
spectra.otoscope.plot()

# %%
# Two models of one architecture learnt different ears from the same sounds. One names the vowel, and responds at
# the formants; the other tells low voices from high ones, and responds at the fundamental.

listener = otoscope.Scope(otoscope.load("vowel-register"))
ax = plots.crs([namer.crs(vowel), listener.crs(vowel)], labels=[namer.name, listener.name])
ax.set_xlim(0, 4)

# %%
# A result is an xarray array, with units, and with the model, the sound and the arguments that it came from among its
# attributes. ``spectra.otoscope.save("strs.nc")`` keeps all of that.

spectra
