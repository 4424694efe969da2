"""What the maps of a network with random weights sound like, beside those of the model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.sonify import sonify
from otoscope.probe.passed import noting
from otoscope.subject import Subject
from otoscope.trust.control import share_drawn
from otoscope.trust.random_networks import random_subject


def random_sounds(
    subject: Subject, clip: xr.DataArray, sounds: Mapping[str, xr.Dataset], seed: int = 0
) -> dict[str, xr.Dataset]:
    """The sonification of the same maps of one network with random weights, by layer.

    Where it is as much like the sound as that of the model, what one hears is no sign of anything learnt.

    Parameters
    ----------
    subject : Subject
    clip : DataArray, ([channel,] time)
    sounds : mapping of str to Dataset
        What :func:`otoscope.methods.sonify.sonify` returned, by layer.
    seed : int
        Of the weights.

    Returns
    -------
    dict of str to Dataset
        Layers before the first weight that is drawn again, and those that a random network has not, are absent.

    Examples
    --------
    >>> from otoscope.data.vowels import vowel_clip
    >>> subject, clip = Subject("vowel-name"), vowel_clip("ah", "women", duration=0.1)
    >>> own = sonify(subject, clip, layer="relu1", n_maps=2)
    >>> random = random_sounds(subject, subject.clip(clip), {"relu1": own})["relu1"]
    >>> bool((random.channel == own.channel).all()), bool((random.sonification == own.sonification).all())
    (True, False)
    """
    other, redraw = random_subject(subject, [seed, 0])
    found: dict[str, xr.Dataset] = {}
    for layer, own in sounds.items():
        try:
            with noting():
                random = sonify(other, clip, layer=layer, channels=[int(one) for one in own["channel"].values])
        except InputError:
            continue
        if not np.array_equal(random["sonification"].values, own["sonification"].values):
            found[layer] = random
    are_random = bool(found) and share_drawn(other, redraw, subject.whole(clip), [])[1]
    return found if are_random else {}
