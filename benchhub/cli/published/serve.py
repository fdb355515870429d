"""`benchhub serve`: a page over the store, for browsers."""

from __future__ import annotations

from pathlib import Path

import typer

from benchhub.cli import project
from benchhub.outside import Variable


def serve(
    host: str = typer.Option(
        "127.0.0.1", help="Address to listen on; beyond this machine it takes a token"
    ),
    port: int = typer.Option(8377, min=0, max=65535, help="Port; 0: any that is free"),
    allow_actions: bool = typer.Option(
        False, "--allow-actions",
        help="Whoever shows the token may lift quarantines and stop runs; else pages are only read",
    ),
    token_file: Path = typer.Option(
        None, metavar="FILE", help="File with the token in its first line, readable by you alone"
    ),
    name: list[str] = typer.Option(
        [], metavar="HOST", help="A name that browsers call this server by; repeatable"
    ),
    behind_proxy: bool = typer.Option(
        False, "--behind-proxy",
        help="A proxy on this machine passes requests on: believe its X-Forwarded- headers",
    ),
    store: str = project.STORE,
) -> None:  # fmt: skip
    """Show runs in progress, devices, verdicts and histories in a browser, until Ctrl-C.

    The store is only read. Beyond this machine, behind a proxy and for actions a token is asked
    for: that of --token-file or BENCHHUB_SERVE_TOKEN, else one that is made and printed.
    """
    import os

    from benchhub.outside.loopback import is_loopback
    from benchhub.serve.server import need_web
    from benchhub.serve.server import serve as served
    from benchhub.serve.settings import (
        ServeSettings,
        checked_token,
        new_token,
        read_token,
    )

    need_web()
    token = ""
    if token_file is not None:
        token = read_token(token_file)
    elif given := os.environ.get(Variable.SERVE_TOKEN):
        token = checked_token(given, Variable.SERVE_TOKEN)
    made = not token and (allow_actions or behind_proxy or not is_loopback(host))
    settings = ServeSettings(
        project.store(store), host, port, new_token() if made else token, tuple(name),
        allow_actions, behind_proxy, project.cache() / "serve" / "actions.jsonl",
    )  # fmt: skip

    def ready(address: str) -> None:
        project.note(f"serving {address}; Ctrl-C ends it")
        if made:
            typer.echo(f"token: {settings.token}", err=True)  # told once, and so not masked
        if allow_actions:
            project.note(f"actions are written to {settings.record}")

    served(settings, ready)
