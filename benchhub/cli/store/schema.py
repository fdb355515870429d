"""`benchhub store upgrade` and `downgrade`: the schema, when somebody says so."""

from __future__ import annotations

import typer

from benchhub.cli import project


def upgrade(store: str = project.STORE) -> None:
    """Bring a results database to this benchhub's schema; a new one gets its tables.

    Files are brought up by whatever opens them. On a server nobody may be at work in it meanwhile,
    and older versions do not open it afterwards.
    """
    from benchhub.store.upkeep.schemas import upgrade

    found, now = upgrade(project.store(store))
    if found == now:
        project.note(f"the store is of schema {now} already")
    else:
        begun = "made with" if found is None else f"brought from schema {found} to"
        project.note(f"{begun} schema {now}")


def downgrade(
    schema: str = typer.Argument(help="The older schema, for instance 0008"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask, not on a terminal either"),
    store: str = project.STORE,
) -> None:
    """Bring a results database back to an older schema, for an older benchhub.

    What only newer schemas know is deleted; on a terminal it asks first. This benchhub brings a
    file up again as soon as it opens it.
    """
    import sys

    from benchhub.store.upkeep.schemas import downgrade, passed, schema_of

    url = project.store(store)
    found = schema_of(url)
    for revision, brought in passed(found, schema):
        project.note(f"schema {revision} brought, and it will be gone: {brought}")
    if not yes and sys.stdin.isatty() and not typer.confirm(f"go back to {schema}?", err=True):
        project.note(f"kept schema {found}")
        return
    downgrade(url, schema)
    project.note(f"brought back from schema {found} to schema {schema}")
