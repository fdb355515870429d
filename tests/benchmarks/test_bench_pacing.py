from __future__ import annotations

from benchmarks import pacing


def test_pacing() -> None:
    claims = pacing.measure(pacing.Size(rounds=2, calls=40, rate_per_s=2000.0))
    assert len(claims) == 2
    for claim in claims:
        assert claim.ratio > 0, claim
        assert claim.ours
        assert claim.peer
