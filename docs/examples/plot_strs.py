"""
Short-time response spectra
===========================

Which frequencies does the first layer of a model respond to, and when? The short-time response spectra (STRS) answer
for every moment of a sound.
"""
# sphinx_gallery_thumbnail_number = 2

import torch

import otoscope
from otoscope import plots
from otoscope.data.vowels import vowel_clip
from otoscope.plots.surface import surface

# %%
# The sound is a vowel, synthesised with a known fundamental frequency and formants.

vowel = vowel_clip("ah", "women")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
vowel.otoscope.play()

# %%
# Its spectrogram shows the harmonics, and the formants as the bands in which they are strong.

plots.spectrogram(vowel)

# %%
# The response spectra look much like it, but they went through the kernels of the first layer. This model names
# vowels: it keeps what lies below 3.8 kHz, where the first three formants are, and weakens the rest.

scope = otoscope.Scope("vowel-name")
spectra = scope.strs(vowel)
spectra.otoscope.plot()

# %%
# Kernels of a few samples, here of an untrained layer, resolve time so finely that every glottal pulse is a stripe. A
# moving mean over two pitch periods shows the spectrum behind the stripes.

torch.manual_seed(0)
short = otoscope.Scope(torch.nn.Conv1d(1, 16, 7), sample_rate=16_000).strs(vowel).sel(time=slice(0, 0.1))
short.otoscope.plot()
short.otoscope.plot(smoothing=0.01)

# %%
# The same spectra as a surface; ``otoscope.plots.surface.animate`` makes a film of it.

surface(spectra)

# %%
# A result is an xarray Dataset, with units, and with the model, the sound and the arguments that it came from among its
# attributes. ``spectra.otoscope.save("strs.nc")`` keeps all of that.

spectra
