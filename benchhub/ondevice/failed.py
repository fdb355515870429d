"""A failure whose kind is known: what a backend raises where more than "raised" can be said."""

#: Kinds that a launch itself may give, of wire.KINDS: this module is all that a launch imports.
OWN_KINDS = ("missing", "raised", "shape", "blob", "fallback", "memory", "unsupported", "clock")

#: The names of wire.TRACKS.
OWN_TRACKS = ("device", "copy_in", "copy_out", "service")


class Failed(Exception):
    """Ends a launch; `kind` is a key of wire.KINDS, the message one line of cause and next step."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
