"""What a gateway keeps of models: once, whole, and by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchhub.device.staging.site_cache import SiteCache
from benchhub.errors import ConfigError, DeviceError

DATA = bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).hexdigest()
SIZE = len(DATA)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SiteCache]:
    cache = SiteCache(tmp_path / "cache")
    yield cache
    cache.close()


def test_pieces_become_a_file_that_is_lacking_no_more(cache: SiteCache) -> None:
    assert cache.lacking({DIGEST: SIZE}) == {DIGEST: 0}
    assert cache.put(DIGEST, 0, DATA[:1000], SIZE) == 1000
    assert cache.lacking({DIGEST: SIZE}) == {DIGEST: 1000}
    assert cache.put(DIGEST, 1000, DATA[1000:], SIZE) == SIZE
    assert cache.lacking({DIGEST: SIZE}) == {}
    (blob,) = cache.blobs({DIGEST: SIZE})
    with blob.open() as file:
        assert file.read() == DATA


def test_a_piece_that_comes_twice_or_too_early_changes_nothing(cache: SiteCache) -> None:
    cache.put(DIGEST, 0, DATA[:1000], SIZE)
    assert cache.put(DIGEST, 0, DATA[:1000], SIZE) == 1000
    assert cache.put(DIGEST, 5000, DATA[5000:], SIZE) == 1000
    cache.put(DIGEST, 1000, DATA[1000:], SIZE)
    assert cache.put(DIGEST, 1000, DATA[1000:], SIZE) == SIZE
    assert cache.received_bytes == SIZE


@pytest.mark.parametrize("data", [DATA[:-1] + b"x", DATA + b"more"])
def test_what_comes_as_another_file_is_not_kept(cache: SiteCache, data: bytes) -> None:
    with pytest.raises(DeviceError, match="came to its gateway as another file"):
        cache.put(DIGEST, 0, data, SIZE)
    assert cache.lacking({DIGEST: SIZE}) == {DIGEST: 0}
    with pytest.raises(DeviceError, match="no longer at its gateway"):
        cache.blobs({DIGEST: SIZE})


def test_an_empty_file_is_one(cache: SiteCache) -> None:
    empty = hashlib.sha256(b"").hexdigest()
    assert cache.lacking({empty: 0}) == {empty: 0}
    assert cache.put(empty, 0, b"", 0) == 0
    assert cache.lacking({empty: 0}) == {}
    (blob,) = cache.blobs({empty: 0})
    with blob.open() as file:
        assert file.read() == b""


def test_a_part_that_was_cut_off_before_it_was_checked_is_sent_again(
    cache: SiteCache, tmp_path: Path
) -> None:
    for left in (DATA, DATA + b"more"):
        (tmp_path / "cache" / f"{DIGEST}.part").write_bytes(left)
        assert cache.lacking({DIGEST: SIZE}) == {DIGEST: 0}
        assert cache.put(DIGEST, 0, DATA, SIZE) == SIZE
        assert cache.lacking({DIGEST: SIZE}) == {}
        (tmp_path / "cache" / DIGEST).unlink()


def test_a_folder_is_one_gateways_at_a_time(cache: SiteCache, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="another gateway keeps its models there"):
        SiteCache(tmp_path / "cache")
    SiteCache(tmp_path / "other").close()
