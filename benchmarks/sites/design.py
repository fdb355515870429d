"""How a fleet is driven, and what one launch then asks of each station."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.sites.measuring.tasks import ANSWER_BYTES, REQUEST_BYTES, TAKEN_BYTES
from benchmarks.sites.service_times import Call, ServiceTimes

#: So many transactions of a controller are under way at once (`benchhub/store`).
WRITERS = 4


@dataclass(frozen=True, slots=True)
class Network:
    """What was not measured but taken: the lines between, and the machine of the store."""

    wide_bytes_per_s: float = 100e6 / 8
    wide_latency_s: float = 0.020
    lan_bytes_per_s: float = 1e9 / 8
    client_bytes_per_s: float = 1e9 / 8
    store_cores: int = 4


@dataclass(frozen=True, slots=True)
class Design:
    """What is built: by default that of one controller, one scheduler, a gateway process a site.

    `calls`: of a launch, 2 or 1. `together`: so many messages of a site travel as one call, which
    is waited for `window_s` at most; `commits_together`: so many launches in a transaction.
    `direct`: answers do not pass the scheduler. `plain`: a connection a gateway instead of dask.
    `in_one`: no gateways; the controller speaks to the devices itself, as today's does.
    `packed`: answers have this share of their bytes.
    """

    clients: int = 1
    schedulers: int = 1
    gateways: int = 1
    calls: int = 2
    together: int = 1
    window_s: float = 0.0
    commits_together: int = 1
    direct: bool = False
    plain: bool = False
    read_at_gateway: bool = False
    packed: float = 1.0
    in_one: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What one launch asks: seconds at each station, by the visits that a simulation makes."""

    client_first_s: float
    client_middle_s: float
    client_last_s: float
    scheduler_taken_s: float
    scheduler_answer_s: float
    gateway_first_s: float
    gateway_middle_s: float
    gateway_last_s: float
    request_bytes: float
    taken_bytes: float
    answer_bytes: float
    commit_wait_s: float
    commit_server_s: float

    @property
    def client_s(self) -> float:
        """Return all of it at the client."""
        return self.client_first_s + self.client_middle_s + self.client_last_s

    @property
    def scheduler_s(self) -> float:
        """Return all of it at the scheduler."""
        return self.scheduler_taken_s + self.scheduler_answer_s

    @property
    def gateway_s(self) -> float:
        """Return all of it at the gateway."""
        return self.gateway_first_s + self.gateway_middle_s + self.gateway_last_s


def asked(times: ServiceTimes, design: Design) -> Asked:
    """Return what a launch asks of each station where a fleet is driven like this."""
    taken, answer = _calls(times, design)
    two = design.calls == 2
    if not two:
        taken = Call(0.0, 0.0, 0.0)
    grouped = design.commits_together > 1
    # Half of a call is sending, half is hearing of it.
    first = (taken if two else answer).client_ms / 2 + times.loop_ms
    last = answer.client_ms / 2 + (times.together_client_ms if grouped else times.commit_client_ms)
    read = times.read_ms
    return Asked(
        client_first_s=first / 1e3,
        client_middle_s=(taken.client_ms / 2 + answer.client_ms / 2) / 1e3 if two else 0.0,
        client_last_s=(last + (0.0 if design.read_at_gateway else read)) / 1e3,
        scheduler_taken_s=taken.scheduler_ms / 1e3,
        scheduler_answer_s=answer.scheduler_ms / 1e3,
        gateway_first_s=((taken if two else answer).worker_ms / (1 if two else 2)
                         + times.agent_ms / 2) / 1e3,
        gateway_middle_s=answer.worker_ms / 2e3 if two else 0.0,
        gateway_last_s=(answer.worker_ms / 2 + times.agent_ms / 2
                        + (read if design.read_at_gateway else 0.0)) / 1e3,
        request_bytes=REQUEST_BYTES,
        taken_bytes=TAKEN_BYTES,
        answer_bytes=ANSWER_BYTES * design.packed,
        commit_wait_s=times.commit_wait_ms / 1e3 / design.commits_together,
        commit_server_s=(times.together_server_ms if grouped else times.commit_server_ms) / 1e3,
    )  # fmt: skip


def _calls(times: ServiceTimes, design: Design) -> tuple[Call, Call]:
    if design.plain:
        taken = answer = times.plain
    elif design.direct:
        taken, answer = times.direct_taken, times.direct_answer
    else:
        taken, answer = times.taken, times.answer

    # What travels together shares the call; its bytes are no fewer.
    many, less = design.together, taken if design.together > 1 else answer
    return (
        Call(taken.client_ms / many, taken.scheduler_ms / many, taken.worker_ms / many),
        Call(
            less.client_ms / many + max(0.0, answer.client_ms - less.client_ms),
            less.scheduler_ms / many + max(0.0, answer.scheduler_ms - less.scheduler_ms),
            less.worker_ms / many + max(0.0, answer.worker_ms - less.worker_ms),
        ),
    )


def per_launch(
    times: ServiceTimes, design: Design, network: Network, sites: int
) -> dict[str, tuple[float, float]]:
    """Return for each station the seconds that a launch of the whole fleet takes of it, spread
    over all of its kind, and how many servers those are."""
    one = asked(times, design)
    wide, writers = network.wide_bytes_per_s, WRITERS * design.clients
    down = one.request_bytes * design.calls
    up = one.answer_bytes + (one.taken_bytes if design.calls == 2 else 0.0)
    found = {
        "client": (one.client_s, design.clients),
        "scheduler": (one.scheduler_s, design.schedulers),
        "gateway": (one.gateway_s, sites * design.gateways),
        "down": (down / wide, sites),
        "up": (up / wide, sites),
        "writers": (one.commit_wait_s, writers),
        "store": (one.commit_server_s, network.store_cores),
    }
    return {name: pair for name, pair in found.items() if pair[0] > 0}


def fits(
    times: ServiceTimes, design: Design, network: Network, sites: int, launch_s: float
) -> dict[str, float]:
    """Return, on paper, how many devices each station keeps up with: N = (Z + R) / D.

    Z is the launch itself, R what a lone launch spends beside it, D what it takes of the busiest
    server, all servers of a kind working alike.
    """
    demands = per_launch(times, design, network, sites)
    alone_s = sum(seconds for seconds, _ in demands.values())
    alone_s += 2 * design.calls * network.wide_latency_s + design.window_s
    # The second call of two is on its way while the device works.
    return {
        name: (launch_s + alone_s) * servers / seconds
        for name, (seconds, servers) in demands.items()
    }


def bound_s(demands: dict[str, tuple[float, float]], launches: int) -> float:
    """Return what no fleet can be faster than: the busiest station's own work."""
    return launches * max(seconds / servers for seconds, servers in demands.values())
