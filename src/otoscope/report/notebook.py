"""Everything about one sound as a page in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.app.sound_page import sound_page
from otoscope.app.widget import HEIGHT, PageView
from otoscope.methods.catalogue import suggesting
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.report.gather import Progress, gather
from otoscope.report.questions import answerer, facts_to_ask
from otoscope.subject import Subject
from otoscope.types import Against, Segments, Span, Target, Wave

NAME = "a"
"""Of the model on the page."""


@suggesting
def explore(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    layer: str | Sequence[str] | None = None,
    rule: RelevanceRule = "guided",
    segments: Segments | None = None,
    tier: str | None = None,
    n_maps: int = 6,
    control: bool = True,
    memory: int | None = None,
    height: int = HEIGHT,
    progress: Progress | None = None,
) -> PageView:
    """Look at, and listen to, what a model does with one sound: the page of an inspection, in a notebook.

    Parameters
    ----------
    wave : wave, (time,)
        A sound file, or samples at the rate of the model.
    target, at, against, target_band, layer, rule, segments, tier, n_maps, control, memory, progress
        As in :func:`otoscope.report.inspect`.
    height : int
        Of the page in the cell, in CSS pixels.

    Returns
    -------
    PageView
        The page, to be the last line of a cell. With a widget it asks the model for any class, rule and map.
        ``save("page.html")`` writes it as a file.

    Raises
    ------
    InputError
        If the sound, target, a layer or the height is unfit.

    Examples
    --------
    >>> from otoscope import Scope
    >>> from otoscope.data.vowels import vowel_clip
    >>> Scope("vowel-name").explore(vowel_clip("ah", "women", duration=0.1), n_maps=1)
    <the page of vowel-name on ah-women-212Hz>
    """
    options: dict[str, Any] = {"target": target, "at": at, "against": against, "target_band": target_band}
    options |= {"layer": layer, "rule": rule, "segments": segments, "tier": tier, "n_maps": n_maps, "memory": memory}
    options["control"] = control
    found = gather(subject, wave, progress=progress, **options)
    page = sound_page({NAME: found})
    return PageView(page, height=height, answer=answerer(subject, found.clip, NAME), about=facts_to_ask(subject))
