"""
What the first layer knows of the classes
=========================================

The cumulative response spectrum of a sound sums up what the first layer makes of it. A support vector machine that sees
nothing else shows how much of the classes is in there already.
"""

import otoscope
from otoscope.data.find import find_sounds

# %%
# The built-in vowels in low, middle and high voices, heard by a model that was trained to name the vowel.

scope = otoscope.Scope("vowel-name")
vowels = find_sounds("vowels", by="register", limit=90, sample_rate=scope.sample_rate)
result = scope.crs_classifier(vowels, n_fft=512, hop=64)
result.otoscope.plot()

# %%
# Its first layer was never told of registers, and lets them through all the same. Accuracy over the folds:

result[["accuracy", "accuracy_deviation", "balanced_accuracy", "chance"]].to_dataframe().round(2)

# %%
# The mean spectrum of each class shows where they differ.

result["class_crs"].plot.line(x="frequency", xlim=(0, 2000))
