"""
How active every map is
=======================

One pass through the model gives the mean, the root mean square and the peak of every map of every layer.
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The ends of all blocks, in one vowel. A dot is a map.

scope = otoscope.Scope("vowel-name")
active = scope.activations(vowel_clip("ah", "men"))
active.otoscope.plot()

# %%
# The most active map of the last layer, and when its activation is largest:

last = active.isel(map=active["layer"] == active["layer"][-1])
best = last.isel(map=int(last["rms"].argmax()))
print(f"map {int(best['channel'])} of {best['layer'].values!s}, at {float(best['peak_time']):.3f} s")

# %%
# Do two vowels excite the same maps? The root mean square of the maps of the last layer, side by side:

other = scope.activations(vowel_clip("iy", "men"))
other = other.isel(map=other["layer"] == other["layer"][-1])
for channel in last["rms"].argsort().values[::-1][:5]:
    print(f"map {channel:3d}: {float(last['rms'][channel]):.3f} in ah, {float(other['rms'][channel]):.3f} in iy")
