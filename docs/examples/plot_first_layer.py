"""
The filters of the first layer
==============================

Which band does each kernel of the first layer pass, what do all of them make of one frame, and which of them answer a
vowel?
"""

import torch

import otoscope
from otoscope import plots
from otoscope.data.vowels import vowel_clip

# %%
# Every row of the image is a filter of a model that names vowels, sorted by centre frequency. Together they are a bank
# of band-passes from 230 Hz to 3.3 kHz, where the first three formants of vowels lie. Nobody told the model: its
# kernels began as noise.

namer = otoscope.Scope(otoscope.load("vowel-name"))
filters = namer.filters()
filters.otoscope.plot()

# %%
# The same architecture learnt other filters to tell low voices from high ones: none is centred above 500 Hz.

listener = otoscope.Scope(otoscope.load("vowel-register"))
listener.filters().otoscope.plot()

# %%
# Before training every kernel is random and passes everything alike. Rows are in the order of the trained filters, and
# four of them, from low to high, are shown in time and in frequency.

torch.manual_seed(0)
untrained = otoscope.load("vowel-name")
untrained.conv1.reset_parameters()
plots.filters_before_after(otoscope.Scope(untrained).filters(), filters)

# %%
# One frame of a vowel: its own spectrum, in which harmonics stand on formants, and what the first layer makes of it.

vowel = vowel_clip("ah", "men")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
namer.frame_response(vowel).otoscope.plot()

# %%
# The filters that respond most strongly in most frames. Their mean response has its peak at the first formant of this
# vowel.

firing = namer.f_vowel(vowel)
firing.otoscope.plot()
print(f"highest at {float(firing.f_vowel.idxmax()):.0f} Hz")

# %%
# The sound itself:

vowel.otoscope.play()
