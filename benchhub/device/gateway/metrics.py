"""What a gateway counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchhub.device.gateway.address import parse_listen
from benchhub.device.gateway.messages import versions
from benchhub.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from benchhub.device.gateway.site import Site

#: What a device is doing; idle is one that nobody asks for.
STATES = ("idle", "opening", "waiting", "open", "pushing", "measuring")


class Collected:
    """A site's counts at the moment of asking, as a collector of prometheus_client's."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Any]:
        """Yield each family of figures."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        site, counts = self._site, self._site.counts
        told = {"site": site.name, "gateway": site.gateway, "benchhub": versions()["benchhub"]}
        yield InfoMetricFamily("benchhub_gateway", "Who this is", value=told)
        states = GaugeMetricFamily(
            "benchhub_gateway_devices", "Devices by what they do", labels=["state"]
        )
        found = site.states()
        for state in STATES:
            states.add_metric([state], found.get(state, 0))
        yield states
        launches = CounterMetricFamily(
            "benchhub_gateway_launches", "Launches that ended", labels=["device", "status"]
        )
        for (device, status), count in sorted(counts.launches.items()):
            launches.add_metric([device, status], count)
        yield launches
        failures = CounterMetricFamily(
            "benchhub_gateway_failures", "Launches that failed", labels=["stage", "kind"]
        )
        for (stage, kind), count in sorted(counts.failures.items()):
            failures.add_metric([stage, kind], count)
        yield failures
        errors = CounterMetricFamily(
            "benchhub_gateway_device_errors", "What devices or links did", labels=["error"]
        )
        for error, count in sorted(counts.errors.items()):
            errors.add_metric([error], count)
        yield errors
        moved = CounterMetricFamily(
            "benchhub_gateway_bytes", "Bytes of models and inputs", labels=["way"]
        )
        moved.add_metric(["received"], site.cache.received_bytes)
        moved.add_metric(["pushed"], counts.pushed_bytes)
        yield moved


def serve_metrics(site: Site, text: str) -> str:
    """Serve a site's counts at `text`, host:port or a port of this machine; return where.

    ConfigError where that is no address, or cannot be had.
    """
    host, port = parse_listen(text, "--metrics", "127.0.0.1:9464", "127.0.0.1")
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        raise MissingExtra(
            "metrics need prometheus_client: pip install 'benchhub[gateway]'",
            "prometheus_client is not installed",
        ) from error
    registry = CollectorRegistry()
    registry.register(Collected(site))
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigError(f"--metrics {text}: {error.strerror or error}; choose another") from error
    return f"{f'[{host}]' if ':' in host else host}:{server.server_port}"
