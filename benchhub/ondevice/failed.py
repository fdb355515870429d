"""A failure whose kind is known: what a backend raises where more than "raised" can be said."""


class Failed(Exception):
    """Ends a launch; `kind` is a key of wire.KINDS, the message one line of cause and next step."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
