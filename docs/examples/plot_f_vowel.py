"""
The filters that fire most
==========================

Which filters of the first layer respond to a vowel, and which frequencies do they pass together?
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The filters that respond most strongly in most frames. Their mean response has its peak at the first formant of this
# vowel.

vowel = vowel_clip("ah", "men")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
scope = otoscope.Scope("vowel-name")
firing = scope.f_vowel(vowel)
firing.otoscope.plot()
print(f"highest at {float(firing.peak_frequency):.0f} Hz")

# %%
# The sound itself:

vowel.otoscope.play()

# %%
# Another vowel, another first formant:

other = vowel_clip("iy", "men")
print("formants at", *map(round, other.attrs["formants"]), "Hz")
scope.f_vowel(other).otoscope.plot()
