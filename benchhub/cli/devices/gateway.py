"""`benchhub gateway`: offer the devices of a site to controllers elsewhere, through dask."""

from __future__ import annotations

import os

import typer

from benchhub.cli import project


def gateway(
    site: str = typer.Option(..., "--site", metavar="NAME", help="What this site is called"),
    scheduler: str = typer.Option(
        ..., "--scheduler", metavar="URL",
        help="dask://HOST:PORT on this machine, tls://HOST:PORT?ca=..&cert=..&key=.. elsewhere",
    ),
    device: list[str] = typer.Option(
        [], "--device", metavar="NAME",
        help="Device, group, 'rack1-*' or label=KEY:VALUE; repeatable"
        " (default: those labelled site:NAME)",
    ),
    exclude: list[str] = project.EXCLUDE,
    listen: str = typer.Option(
        None, "--listen", metavar="HOST:PORT",
        help="Where the scheduler connects to (default: a port of the system's choice)",
    ),
    metrics: str = typer.Option(
        None, "--metrics", metavar="HOST:PORT", help="Serve what is counted to Prometheus there"
    ),
    allow_root: bool = typer.Option(
        False, "--allow-root", help="Run as root though who controls the scheduler is root then"
    ),
) -> None:  # fmt: skip
    """Offer a site's devices to controllers elsewhere; runs until it is stopped.

    Devices are reached with this machine's own profiles and keys, and models are kept in its cache.
    """
    import asyncio

    from benchhub.config.catalogue import check_own
    from benchhub.config.fleet.chosen import Choice, places, profiles
    from benchhub.device.gateway.address import need_dask, parse_address, parse_listen
    from benchhub.device.gateway.metrics import serve_metrics
    from benchhub.device.gateway.site import Site
    from benchhub.device.gateway.worker import serve
    from benchhub.errors import ConfigError

    need_dask()
    address = parse_address(scheduler, "--scheduler")
    address.security()
    at_port = None if listen is None else parse_listen(listen)
    if os.geteuid() == 0 and not allow_root:
        raise ConfigError(
            "a gateway runs what the scheduler's callers send it: start it as a user without rights"
            " that can reach the devices, or say --allow-root"
        )
    if not site.strip() or not site.isprintable() or len(site) > 64:
        raise ConfigError(f"--site {site!r} is no name: give up to 64 plain characters")
    words = tuple(device) or (f"label=site:{site}",)
    devices = profiles(places(Choice(words, tuple(exclude)), project.folder()))
    for one in devices:
        check_own(one.name, one.host)
    offered = Site(site, devices, project.cache() / "gateway")
    try:
        if metrics is not None:
            at = serve_metrics(offered, metrics)
            project.note(f"{site}: metrics at http://{at}/metrics")
        folder = project.cache() / "dask"
        asyncio.run(serve(offered, address, folder, project.note, at_port))
    finally:
        offered.close()
