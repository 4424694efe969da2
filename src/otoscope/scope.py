"""Scope: the one object a user holds, a model under test with every method."""

from __future__ import annotations

from otoscope.app import accessor as accessor  # results get `.otoscope`
from otoscope.markup import folded, table
from otoscope.methods import (
    activations,
    aliasing,
    aliasing_map,
    autocorrelation,
    coherence,
    crs,
    crs_classifier,
    data_flow,
    evolution,
    f_vowel,
    filters,
    frame_response,
    geometry,
    layer_importance,
    relevance,
    residual,
    residual_study,
    sonify,
    strs,
    subband_emphasis,
    tone_response,
    top_activations,
    tuning,
    voice,
    vowels,
    wigner,
)
from otoscope.methods.listing import listing
from otoscope.report import folder, notebook
from otoscope.results import open_result as open_result
from otoscope.subject import Subject
from otoscope.trust import control, taken_away


class Scope(Subject):
    """A model under the otoscope.

    Parameters
    ----------
    model : nn.Module, str or Path
        A module that takes waveforms, or what the command line calls MODEL: a name such as ``"vowel-name"``, a folder
        with config.json, ``"package.module:factory"``, ``"file.py:Class"`` or ``"hf:org/name"``.
    sample_rate : int, optional
        Of the waveforms that it takes, in Hz; ``model.sample_rate`` by default.
    output : int or str, optional
        Which of several outputs is looked at, by its place or its name.
    name : str, optional
        Name in results and reports.
    classes : sequence of str, optional
        Names of the classes, in the order of the outputs; ``model.classes`` by default.
    contract : otoscope.contract.Contract, optional
        Everything that the model takes and answers, where its attributes do not state it.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Raises
    ------
    InputError
        If the sample rate is not known, or a field of the contract has an impossible value.

    Notes
    -----
    A wave is the path of a sound file, what :func:`otoscope.load_audio` returns, or an array or tensor (time,) or
    (clip, time) at the sample rate of the model. Results for a single wave have no axis `clip`. The model is used where
    it is: move it to a GPU beforehand to work there.

    A model that takes several channels gets those of a recording that has as many; arrays are (channel, time) or (clip,
    channel, time) for it. A sound of one channel goes to each of them, and results say so.

    Examples
    --------
    >>> import torch
    >>> scope = Scope("vowel-name")
    >>> scope.strs(torch.randn(8000))["strs"].dims
    ('frequency', 'time')
    """

    # The order is that of a page, of the tables and of `otoscope --help`.
    strs = strs.strs
    crs = crs.crs
    filters = filters.filters
    frame_response = frame_response.frame_response
    f_vowel = f_vowel.f_vowel
    tone_response = tone_response.tone_response
    tuning = tuning.tuning
    wigner = wigner.wigner
    geometry = geometry.geometry
    relevance = relevance.relevance
    control = control.control
    taken_away = taken_away.taken_away
    voice = voice.voice
    autocorrelation = autocorrelation.autocorrelation
    vowels = vowels.vowels
    sonify = sonify.sonify
    residual = residual.residual
    coherence = coherence.coherence
    top_activations = top_activations.top_activations
    activations = activations.activations
    data_flow = data_flow.data_flow
    aliasing = aliasing.aliasing
    aliasing_map = aliasing_map.aliasing_map
    residual_study = residual_study.residual_study
    layer_importance = layer_importance.layer_importance
    evolution = evolution.evolution
    subband_emphasis = subband_emphasis.subband_emphasis
    crs_classifier = crs_classifier.crs_classifier

    report = folder.write_report
    inspect = folder.inspect
    explore = notebook.explore

    def _repr_html_(self) -> str:
        """What is known of the model, and what can be asked of it, in notebooks."""
        asked = table(["method", ""], [[name, one.summary] for name, one in listing().items()])
        return super()._repr_html_() + folded("What can be asked of it", asked)
