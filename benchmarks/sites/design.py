"""How a fleet is driven, and what one launch then asks of each station."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.sites.measuring.tasks import ANSWER_BYTES, REQUEST_BYTES, TAKEN_BYTES
from benchmarks.sites.service_times import Call, ServiceTimes

#: A call waits at its gateway for so long at most, until a launch is over (`gateway/far_session`).
WAIT_S = 5.0
#: So often a session is touched, by a call of its own.
TOUCHED_S = 15.0
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

    `calls`: of a launch that lasts less than WAIT_S, 1 or 2; of 2 the first is answered at once.
    The last waits at the gateway until the launch is over, and each further WAIT_S are one more.
    `touched_s`: so often a call says that a session is still wanted; 0: never. `asked_before`: a
    call before each launch asks how hot the device is. `together`: so many messages of a site
    travel as one call, which is waited for `window_s` at most; `commits_together`: so many launches
    in a transaction. `direct`: answers do not pass the scheduler. `plain`: a connection a gateway
    instead of dask. `in_one`: no gateways; the controller speaks to the devices itself, as today's
    does. `packed`: answers have this share of their bytes.
    """

    clients: int = 1
    schedulers: int = 1
    gateways: int = 1
    calls: int = 1
    touched_s: float = TOUCHED_S
    asked_before: bool = False
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
    """What is asked of each station, seconds and bytes: of a launch of one call, with its commit.

    `call_*`: of each call beside that, whose answer is short; a touch is such a one.
    """

    client_first_s: float
    client_last_s: float
    scheduler_out_s: float
    scheduler_back_s: float
    gateway_first_s: float
    gateway_last_s: float
    call_client_s: float
    call_scheduler_s: float
    call_gateway_s: float
    request_bytes: float
    taken_bytes: float
    answer_bytes: float
    commit_wait_s: float
    commit_server_s: float

    @property
    def client_s(self) -> float:
        """Return all of it at the client."""
        return self.client_first_s + self.client_last_s

    @property
    def scheduler_s(self) -> float:
        """Return all of it at the scheduler."""
        return self.scheduler_out_s + self.scheduler_back_s

    @property
    def gateway_s(self) -> float:
        """Return all of it at the gateway."""
        return self.gateway_first_s + self.gateway_last_s


def asked(times: ServiceTimes, design: Design) -> Asked:
    """Return what is asked of each station where a fleet is driven like this."""
    taken, answer = _calls(times, design)
    grouped = design.commits_together > 1
    commit_ms = times.together_client_ms if grouped else times.commit_client_ms
    read_ms = times.read_ms
    # Half of a short call is sending it, half is hearing of it; a long answer adds to hearing.
    return Asked(
        client_first_s=(taken.client_ms / 2 + times.loop_ms) / 1e3,
        client_last_s=(answer.client_ms - taken.client_ms / 2 + commit_ms
                       + (0.0 if design.read_at_gateway else read_ms)) / 1e3,
        scheduler_out_s=taken.scheduler_ms / 2e3,
        scheduler_back_s=(answer.scheduler_ms - taken.scheduler_ms / 2) / 1e3,
        gateway_first_s=(taken.worker_ms / 2 + times.agent_ms / 2) / 1e3,
        gateway_last_s=(answer.worker_ms - taken.worker_ms / 2 + times.agent_ms / 2
                        + (read_ms if design.read_at_gateway else 0.0)) / 1e3,
        call_client_s=taken.client_ms / 1e3,
        call_scheduler_s=taken.scheduler_ms / 1e3,
        call_gateway_s=taken.worker_ms / 1e3,
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


@dataclass(frozen=True, slots=True)
class Demand:
    """What one kind of station has to do, seconds: for a launch, and each second for a device
    whose session is touched; and how many servers those are spread over."""

    launch_s: float
    touches: float
    servers: int

    def devices(self, cycle_s: float) -> float:
        """Return how many it keeps up with whose launches follow each other in `cycle_s`."""
        return self.servers / (self.launch_s / cycle_s + self.touches)


def calls_of(launch_s: float, design: Design) -> int:
    """Return the calls of a launch that lasts so long."""
    return design.calls + int(design.asked_before) + int(launch_s // WAIT_S)


def per_launch(
    times: ServiceTimes, design: Design, network: Network, sites: int, calls: float | None = None
) -> dict[str, Demand]:
    """Return what is asked of each kind of station, of those of which anything is.

    `calls`: of a launch, on average; where none is given, of one that lasts less than WAIT_S.
    """
    one, wide = asked(times, design), network.wide_bytes_per_s
    more = (calls_of(0.0, design) if calls is None else calls) - 1
    often = 1 / design.touched_s if design.touched_s else 0.0

    def demand(launch_s: float, call_s: float, servers: int) -> Demand:
        return Demand(launch_s + more * call_s, often * call_s, servers)

    found = {
        "client": demand(one.client_s, one.call_client_s, design.clients),
        "scheduler": demand(one.scheduler_s, one.call_scheduler_s, design.schedulers),
        "gateway": demand(one.gateway_s, one.call_gateway_s, sites * design.gateways),
        "down": demand(one.request_bytes / wide, one.request_bytes / wide, sites),
        "up": demand(one.answer_bytes / wide, one.taken_bytes / wide, sites),
        "writers": Demand(one.commit_wait_s, 0.0, WRITERS * design.clients),
        "store": Demand(one.commit_server_s, 0.0, network.store_cores),
    }
    return {name: one for name, one in found.items() if one.launch_s > 0}


def cycle_s(demands: dict[str, Demand], design: Design, network: Network, launch_s: float) -> float:
    """Return Z + R: the launch itself, and what a lone device's spends beside it.

    A second call of two is on its way while the device works, and adds the work alone.
    """
    alone_s = sum(one.launch_s for one in demands.values())
    ways = 2 * (1 + int(design.asked_before))
    return launch_s + alone_s + ways * network.wide_latency_s + design.window_s


def fits(
    times: ServiceTimes, design: Design, network: Network, sites: int, launch_s: float,
    calls: float | None = None,
) -> dict[str, float]:  # fmt: skip
    """Return, on paper, how many devices each station keeps up with: N = 1 / (D / (Z + R) + t).

    D is what a launch takes of the busiest server, all servers of a kind working alike, and t the
    share of its time that the touches of one device take. `calls`: as in `per_launch`.
    """
    demands = per_launch(times, design, network, sites, calls)
    each_s = cycle_s(demands, design, network, launch_s)
    return {name: one.devices(each_s) for name, one in demands.items()}


def bound_s(demands: dict[str, Demand], launches: int) -> float:
    """Return what no fleet can be faster than: the busiest station's work for launches alone."""
    return launches * max(one.launch_s / one.servers for one in demands.values())
