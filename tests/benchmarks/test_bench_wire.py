from __future__ import annotations

from benchmarks import wire_checks


def test_wire_checks() -> None:
    claims = wire_checks.measure(wire_checks.Size(rounds=2))
    assert len(claims) == 2
    assert all(claim.ours and claim.peer and claim.target for claim in claims)
