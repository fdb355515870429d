"""Full disks, and files that get lost or damaged, on the device and on the controller."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchhub.device.staging.blob import model_blobs
from campaign import mounts
from campaign.fault import Events, Fault, Lasting
from campaign.in_process_device import GONE, InProcess
from campaign.scene import Scene
from campaign.site import Kind


class FullThere(Fault):
    """The device's disk is full: before anything is pushed, or when a lost file has to be again."""

    name = "disk full there"
    kinds = MappingProxyType({Kind.PIPES: 1, Kind.IN_PROCESS: 1})

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.left_bytes = draw.choice((0, 4096, 100_000, 400_000))

    def told(self) -> str:
        return f"{self.name}, {self.left_bytes} bytes left"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"mounts"}) if self.kind is Kind.PIPES else frozenset()

    def prepare(self, scene: Scene) -> None:
        root = scene.devices[self.victim].root
        if root is not None:
            mounts.disk(root)

    def strike(self, scene: Scene) -> bool:
        root = scene.devices[self.victim].root
        if root is None:
            scene.full(self.victim).touch()
            return True
        mounts.shrink(root, self.left_bytes)
        for path in blobs(scene, self.victim):
            path.unlink(missing_ok=True)
        return True

    def mend(self, scene: Scene) -> None:
        root = scene.devices[self.victim].root
        if root is None:
            scene.full(self.victim).unlink(missing_ok=True)
        else:
            mounts.grow(root)

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        device.full.touch()  # at this very launch, which the campaign only sees later
        return _gone(events)


class FullHere(Lasting):
    """The disk of the results database is full for a while."""

    name = "disk full here"
    of_all = True
    codes = frozenset({2})
    lasts = (0.2, 1.5)

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.left_bytes = draw.choice((0, 4096, 20_000, 100_000))

    def told(self) -> str:
        return f"{super().told()}, {self.left_bytes} bytes left"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"mounts"})

    def prepare(self, scene: Scene) -> None:
        mounts.disk(scene.store.parent)

    def begin(self, scene: Scene) -> bool:
        mounts.shrink(scene.store.parent, self.left_bytes)
        return True

    def ended(self, scene: Scene) -> None:
        self.mend(scene)

    def mend(self, scene: Scene) -> None:
        mounts.grow(scene.store.parent)


class BlobCorrupted(Fault):
    """Models and inputs on the device are overwritten, or cut short."""

    name = "blob corrupted"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.SSH: 1, Kind.HOST: 0.6})

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.cut_short = draw.random() < 0.5

    def told(self) -> str:
        return f"{self.name}, {'cut short' if self.cut_short else 'overwritten'}"

    def strike(self, scene: Scene) -> bool:
        there = [path for path in blobs(scene, self.victim) if path.exists()]
        for path in there:
            path.chmod(0o600)
            if self.cut_short:
                os.truncate(path, path.stat().st_size // 2)
            else:
                with path.open("r+b") as file:
                    file.write(b"\xff" * 16)
        return bool(there)


class BlobDeleted(Fault):
    """Models and inputs on the device are deleted."""

    name = "blob deleted"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.IN_PROCESS: 2, Kind.SSH: 1, Kind.HOST: 0.6})

    def strike(self, scene: Scene) -> bool:
        if self.kind is Kind.IN_PROCESS:
            return True
        there = [path for path in blobs(scene, self.victim) if path.exists()]
        for path in there:
            path.unlink()
        return bool(there)

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        return _gone(events)


class CacheDeleted(Fault):
    """Models and inputs on the controller are deleted; where a device needs them again, in vain."""

    name = "cache deleted"
    of_all = True
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.IN_PROCESS: 2, Kind.SSH: 1})

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.there_too = draw.random() < 0.5

    def told(self) -> str:
        return f"{self.name}{', and on the device' if self.there_too else ''}"

    def strike(self, scene: Scene) -> bool:
        shutil.rmtree(scene.cache, ignore_errors=True)
        if self.there_too:
            for path in blobs(scene, self.victim):
                path.unlink(missing_ok=True)
        return True

    def ended(self, scene: Scene) -> None:
        self.mend(scene)

    def mend(self, scene: Scene) -> None:
        scene.made_again()

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        return _gone(events) if self.there_too else events


def blobs(scene: Scene, device: str) -> list[Path]:
    """Return where a device keeps what was pushed to it, there or not."""
    root = scene.devices[device].root
    prepared = scene.ready.prepared
    digests = [blob.sha256 for variant in prepared.variants for blob in model_blobs(variant)]
    digests += [file.sha256 for file in prepared.inputs.values()]
    return [root / "blobs" / digest for digest in digests] if root is not None else []


def _gone(events: Events) -> Events:
    return [{**events[-1], "status": "failed", "failure": GONE}]
