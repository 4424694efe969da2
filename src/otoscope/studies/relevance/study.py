"""The study of relevance signals: eq. 4, which needs no training; the other claims are listed."""

from __future__ import annotations

from otoscope.studies.relevance.claims import CLAIMS
from otoscope.studies.relevance.steps import plan
from otoscope.studies.study import Study

STUDY = Study(
    "relevance",
    title="Relevance signals of raw-waveform networks",
    about="What do networks of phones and of speakers listen to: voice, formants, or other bands?",
    works=("relevance",),
    claims=CLAIMS,
    plan=plan,
    parts=("systems", "signal", "phones", "vowels", "speakers", "listening"),
    left_out=(
        "Both systems of Table 1, Fig. 3 to 6, Table 2 and the listening tests: not built yet.",
        "Fig. 2 is a picture of cats, and Fig. 1 a drawing: no sounds.",
    ),
    cost="1 min so far",
)
