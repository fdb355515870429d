"""stub."""


def write() -> None:
    """Nothing yet."""
