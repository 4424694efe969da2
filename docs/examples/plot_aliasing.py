"""
Aliasing
========

Where a model keeps one sample of several, what lies above the new Nyquist limit is folded onto lower frequencies, and
no later layer can tell it apart. How much is it, and where does it go?
"""

import numpy as np
from torch import nn

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# First a layer that does nothing but keep one sample of four: a sine of every frequency, and where it comes out. Up to
# 2 kHz it stays in place; all else lies on the zigzag that sampling at 4 kHz makes of it.

stride = nn.Conv1d(1, 1, 1, stride=4, bias=False)
nn.init.ones_(stride.weight)
bare = otoscope.Scope(stride, sample_rate=16_000, name="stride 4").aliasing_map()
bare.otoscope.plot()

# %%
# Max pooling folds as well, and since it is not linear it adds harmonics, which are folded by the same rule.

pooling = otoscope.Scope(nn.MaxPool1d(4), sample_rate=16_000, name="max pooling")
pooling.aliasing_map().otoscope.plot()

# %%
# Now a trained model. Its first kernels span 20 ms and each lets a narrow band through, most of them low: of a vowel
# little is folded there. The pooling behind the rectifier folds more.

scope = otoscope.Scope(otoscope.load("vowel-name"))
vowel = vowel_clip("ah", "women")
shares = scope.aliasing(vowel)
shares.otoscope.plot()

# %%
shares.share.to_series()

# %%
# Where does the first pooling put the frequencies of speech? Its limit is 333 Hz; the zigzag has a turn for each
# multiple of it.

low = scope.aliasing_map(frequencies=np.linspace(10, 2000, 120).tolist())
low.otoscope.plot(steps=["pool1"])

# %%
# The sound:

vowel.otoscope.play()
