from __future__ import annotations

from benchhub.store import Store


def test_a_device_goes_in_stays_and_comes_out(store_url: str) -> None:
    with Store.open(store_url) as store:
        assert store.quarantine.all() == {}
        first = store.quarantine.add("pi", "no disk")
        assert first.since.endswith("+00:00")
        again = store.quarantine.add("pi", "too hot")
        assert (again.since, again.reason) == (first.since, "too hot")
        store.quarantine.add("orin", "no numpy")
    with Store.open(store_url) as store:
        assert list(store.quarantine.all()) == ["orin", "pi"]
        assert store.quarantine.all()["pi"] == again
        assert store.quarantine.lift("pi")
        assert not store.quarantine.lift("pi")
        assert list(store.quarantine.all()) == ["orin"]
