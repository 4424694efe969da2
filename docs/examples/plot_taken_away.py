"""
What the answer rests on
========================

The strongest evidence is causal: take the part of a sound away where the relevance lies, and ask the model again.
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The interval and the band that each hold half of the relevance of a vowel are taken out of it, and in their place
# others as large:

vowel = vowel_clip("ah", "women", duration=0.5)
listener = otoscope.Scope("vowel-name")
result = listener.taken_away(vowel)
result.otoscope.plot()

# %%
# A vowel is the same at every moment, so that no moment is needed; the band is:

for domain in ("time", "band"):
    print(domain, result.taken_answer.sel(domain=domain).item(), "-", result.verdict.sel(domain=domain).item())

# %%
# How often the answer changes without another part:

print(result.elsewhere_share.to_pandas())
