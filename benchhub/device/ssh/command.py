"""One command line that every login shell takes for the same: sh, csh, tcsh, fish, zsh."""

from __future__ import annotations

import shlex

# Inside single quotes sh, csh, fish and zsh agree on these, unlike on backslashes before quotes or
# themselves (fish), exclamation marks and line ends (csh).
_PLAIN = frozenset(
    b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-+=.,:;/@%$"#&()*<>?[]{}|~`'
)
#: csh refuses longer words than its buffer.
_WORD = 400


def for_any_shell(argv: list[str]) -> str:
    r"""Return `argv` as text to send to a login shell; each element arrives as it is.

    The shell only starts `sh`, which decodes what to run: no line end, `!` or quote of `argv` is
    left for it to understand in its own way.
    """
    words, word = [], ""
    for byte in f"exec {shlex.join(argv)}".encode("utf-8", "surrogateescape"):
        word += chr(byte) if byte in _PLAIN else f"\\0{byte:03o}"
        if len(word) >= _WORD:  # between two bytes: printf decodes each word by itself
            words.append(word)
            word = ""
    told = " ".join(f"'{word}'" for word in (*words, word))
    return f"""sh -c 'eval "$(printf %b "$@")"' sh {told}"""
