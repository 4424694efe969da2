"""
Aliasing
========

Where a model keeps one sample of several, what lies above the new Nyquist limit is folded onto lower frequencies, and
no later layer can separate it from what belongs there. How much of a sound is it?
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The first kernels of this model span 20 ms and each lets a narrow band through, most of them low: of a vowel little is
# folded there. The pooling behind the rectifier folds more.

scope = otoscope.Scope("vowel-name")
vowel = vowel_clip("ah", "women")
shares = scope.aliasing(vowel)
shares.otoscope.plot()

# %%
shares.share.to_series()

# %%
# The sound:

vowel.otoscope.play()
