"""
Aliasing over input frequency
=============================

Where a model keeps one sample of several, what lies above the new Nyquist limit is folded onto lower frequencies.
Where does it go?
"""

import numpy as np
from torch import nn

import otoscope

# %%
# First a layer that does nothing but keep one sample of four: a sine of every frequency, and where it comes out. Up to
# 2 kHz it stays in place; all else lies on the zigzag that sampling at 4 kHz makes of it.

stride = nn.Conv1d(1, 1, 1, stride=4, bias=False)
nn.init.ones_(stride.weight)
otoscope.Scope(stride, sample_rate=16_000, name="stride 4").aliasing_map().otoscope.plot()

# %%
# Max pooling folds as well, and since it is not linear it adds harmonics, which are folded by the same rule. It also
# lets less of the high frequencies through.

pooling = otoscope.Scope(nn.MaxPool1d(4), sample_rate=16_000, name="max pooling")
pooling.aliasing_map().otoscope.plot()

# %%
# Where does the first pooling of a trained model put the frequencies of speech? Its limit is 333 Hz; the zigzag
# has a turn for each multiple of it.

scope = otoscope.Scope("vowel-name")
low = scope.aliasing_map(frequencies=np.linspace(10, 2000, 240).tolist())
low.otoscope.plot(steps=["pool1"])
