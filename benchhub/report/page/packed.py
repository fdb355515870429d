"""Parts of a page that are drawn when asked for: compressed, in script elements that do nothing."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Shorter parts are not worth a script element.
LEAST_CHARS = 3000


def packed(text: str) -> str:
    """Return a text as raw deflate in base64, which a browser's DecompressionStream undoes."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return base64.b64encode(squeezed.compress(text.encode("utf-8")) + squeezed.flush()).decode()


def unpacked(told: str) -> str:
    """Invert `packed`."""
    return zlib.decompress(base64.b64decode(told), -15).decode("utf-8")


@dataclass(slots=True)
class Packing:
    """The parts of one page that wait to be drawn, by name."""

    blocks: dict[str, str] = field(default_factory=dict)

    def keep(self, html: str) -> str:
        """Keep a part; return the name that it is asked for by."""
        name = f"p{len(self.blocks)}"
        self.blocks[name] = packed(html)
        return name

    def keep_all(self, by_key: Mapping[str, str]) -> str:
        """Keep several parts in one block, each with its key; return the block's name."""
        return self.keep(json.dumps(by_key, separators=(",", ":"), ensure_ascii=False))
