"""
The filters of the first layer
==============================

Which band does each kernel of the first layer pass, and how did training change it?
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import otoscope

# %%
# Every row of the image is a filter of a model that names vowels, sorted by centre frequency. Together they are a bank
# of band-passes from 230 Hz to 3.3 kHz, where the first three formants of vowels lie. Nobody designed it: the kernels
# began as noise.

scope = otoscope.Scope("vowel-name")
scope.filters().otoscope.plot()

# %%
# The same architecture learnt other filters to name the register of a voice: none is centred above 500 Hz.

otoscope.Scope("vowel-register").filters().otoscope.plot()

# %%
# Before training every kernel is random and passes everything alike. Rows are in the order of the trained filters, and
# four of them, from low to high, are shown in time and in frequency.

torch.manual_seed(0)
untrained = otoscope.load("vowel-name")
untrained.conv1.reset_parameters()
with TemporaryDirectory() as folder:
    torch.save(untrained.state_dict(), Path(folder, "untrained.pt"))
    both = scope.filters(before=Path(folder, "untrained.pt"))
both.otoscope.plot()

# %%
# Every kernel changed by more than its size:

print(f"least change {float(both.change.min()):.2f}, median {float(both.change.median()):.2f} of the norm")
