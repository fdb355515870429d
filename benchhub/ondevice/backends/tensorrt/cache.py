"""Engines that were built on this device, kept below its root.

An engine is made for one model, request and *environment* (GPU, driver, TensorRT, flags). A record,
`engines/<request>-<environment>.json`, names the engine's file by its sha256, so that both are
whole or not there: the file is put in place first, each under its name only when complete.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple


class Identity(NamedTuple):
    """What an engine depends on: what was asked for, and where."""

    request: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the stem of the record's file name."""
        return "%s-%s" % (_short(self.request), _short(self.environment))


class Kept(NamedTuple):
    """An engine and its record, or why there is none."""

    blob: Optional[bytes]
    facts: Mapping[str, Any]
    reason: str


class EngineCache:
    """The engines below one device's root; without a root nothing is kept."""

    def __init__(self, root: Optional[str]) -> None:
        self._folder = None if root is None else os.path.join(root, "engines")

    def find(self, identity: Identity) -> Kept:
        """Return the engine for `identity`, its sha256 verified; without one, the reason."""
        if self._folder is None:
            return Kept(None, {}, "built; not kept, the model lies outside a device's root")
        try:
            facts, blob = self._read(identity.name)
        except FileNotFoundError:
            return Kept(None, {}, self._explained(identity))
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Kept(None, {}, "built again: the kept engine was corrupt (%s)" % error)
        return Kept(blob, facts, "kept from an earlier launch")

    def keep(self, identity: Identity, blob: bytes, facts: Mapping[str, Any]) -> None:
        """Keep an engine with `facts`, and drop those of drivers and versions that are gone."""
        if self._folder is None:
            return
        os.makedirs(self._folder, exist_ok=True)
        sha256 = hashlib.sha256(blob).hexdigest()
        record = dict(facts, sha256=sha256, environment=identity.environment)
        self._place("%s.engine" % sha256, blob)
        self._place("%s.json" % identity.name, json.dumps(record, indent=1).encode("utf-8"))
        for name, other in self._others(identity):
            if other.get("gpu") == identity.environment.get("gpu"):
                self._drop(name, sha256)

    def _read(self, name: str) -> Tuple[Dict[str, Any], bytes]:
        with open(os.path.join(self._folder or "", "%s.json" % name), "rb") as file:
            facts = json.loads(file.read().decode("utf-8"))
        path = os.path.join(self._folder or "", "%s.engine" % facts["sha256"])
        if not os.path.isfile(path):
            raise ValueError("its file is gone")
        with open(path, "rb") as file:
            blob = file.read()
        if hashlib.sha256(blob).hexdigest() != facts["sha256"]:
            raise ValueError("its sha256 is another")
        return facts, blob

    def _explained(self, identity: Identity) -> str:
        for _, other in self._others(identity):
            changed = [
                "%s was %s" % (key, other.get(key))
                for key, value in sorted(identity.environment.items())
                if other.get(key) != value
            ]
            if changed:
                return "built again: of the kept engine, %s" % ", ".join(changed)
        return "built"

    def _others(self, identity: Identity) -> "list[Tuple[str, Dict[str, Any]]]":
        """Return name and environment of the same request's engines for other environments."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for file in sorted(os.listdir(self._folder or "")):
                stem, extension = os.path.splitext(file)
                same = stem.split("-")[0] == _short(identity.request)
                if extension == ".json" and same and stem != identity.name:
                    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                        with open(os.path.join(self._folder or "", file), "rb") as record:
                            facts = json.loads(record.read().decode("utf-8"))
                        found.append((stem, dict(facts["environment"])))
        return found

    def _drop(self, name: str, still_used: str) -> None:
        record = os.path.join(self._folder or "", "%s.json" % name)
        with contextlib.suppress(OSError, ValueError, KeyError):
            with open(record, "rb") as file:
                sha256 = json.loads(file.read().decode("utf-8"))["sha256"]
            os.unlink(record)
            if sha256 != still_used:  # a build may come out the same
                os.unlink(os.path.join(self._folder or "", "%s.engine" % sha256))

    def _place(self, name: str, blob: bytes) -> None:
        descriptor, partial = tempfile.mkstemp(prefix=".partial-", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, os.path.join(self._folder or "", name))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            raise


def root_of(model: str) -> Optional[str]:
    """Return the device's root where the model lies below it, as a blob or in a folder; or None."""
    folder = os.path.dirname(os.path.abspath(model))
    if os.path.basename(folder) == "blobs":
        return os.path.dirname(folder)
    while folder != os.path.dirname(folder):  # data files may lie deeper, and so may the model
        parent = os.path.dirname(folder)
        if os.path.basename(parent) == "models" and _is_digest(os.path.basename(folder)):
            return os.path.dirname(parent)
        folder = parent
    return None


def digest_of(model: str) -> str:
    """Return the model's sha256: the name of its blob or folder, else counted."""
    root = root_of(model)
    if root is not None:
        name = os.path.relpath(os.path.abspath(model), root).split(os.sep)[1]
        if _is_digest(name):
            return name
    with open(model, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _is_digest(name: str) -> bool:
    return len(name) == 64 and not set(name) - set("0123456789abcdef")


def _short(facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]
