from __future__ import annotations

from dataclasses import replace

from wide import wide

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results
from benchhub.report.tables.rates import highest_rates


def _device(source: Results, name: str) -> DeviceInfo:
    return next(d for d in source.devices if d.name == name)


def test_the_sentence_names_the_budget_and_what_meets_it() -> None:
    source = wide()
    pi = _device(source, "raspberry-pi-5")
    (said,) = highest_rates(source, pi)
    assert said.startswith("Highest rate shown to meet p95 <= 12.0 ms: ")
    assert "22.2/s (fails at 55.6/s): fp32 on onnxruntime, fp16 on onnxruntime" in said
    assert "55.6/s (fails at 100/s): int8-dynamic on onnxruntime, int8-static on " in said
    (said,) = highest_rates(source, _device(source, "localhost"))
    assert "750/s (the highest tried): fp16 on onnxruntime" in said
    # At 416.7/s it was throttled, at 750/s overloaded: neither shows anything.
    assert "166.7/s (undecided above): fp32 on onnxruntime" in said


def test_without_a_budget_or_on_an_emulator_there_is_nothing_to_say() -> None:
    source = wide()
    assert highest_rates(replace(source, verdicts=()), _device(source, "raspberry-pi-5")) == []
    assert highest_rates(source, _device(source, "lab-arm64-vm")) == []


def test_few_launches_show_nothing() -> None:
    source = wide()
    rows = tuple(replace(row, launches=3) for row in source.rows)
    said = highest_rates(replace(source, rows=rows), _device(source, "raspberry-pi-5"))
    assert "none that was tried: fp32 on onnxruntime" in said[0]
