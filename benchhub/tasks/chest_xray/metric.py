"""How chest X-ray variants are judged: the unweighted mean of fourteen AUCs."""

from __future__ import annotations

from benchhub.tasks.metrics import MACRO_AUC

METRIC = MACRO_AUC
