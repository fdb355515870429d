"""The model: every device a process of its own, which visits one station after another."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.sites.design import WAIT_S, WRITERS, Asked, Design, Network, asked
from benchmarks.sites.service_times import ServiceTimes
from benchmarks.sites.stations import Station

if TYPE_CHECKING:
    import simpy

Events = Iterator["simpy.Event"]
#: A peer that is dead is noticed after so long, and a device that never answers given up.
DEAD_PEER_S, CONNECT_TIMEOUT_S = 14.0, 10.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is measured where: each of `devices` makes `rounds` of `cells` launches.

    `slower`: launches last so many times what was measured. `dead`: this share never answers;
    `cut`: this share of launches is cut short and made again. `parted`: the first site's wide link
    passes nothing between these seconds. `models`: so many are brought to each device first, of so
    many bytes, once a site where `cached`.
    """

    devices: int
    sites: int
    cells: int = 67
    rounds: int = 10
    kinds: tuple[str, ...] = ("x86",)
    slower: float = 1.0
    connecting: bool = False
    dead: float = 0.0
    cut: float = 0.0
    parted: tuple[float, float] = (0.0, 0.0)
    models: int = 0
    model_bytes: float = 0.0
    cached: bool = True
    seed: int = 1


@dataclass(slots=True)
class Site:
    """The stations of one site."""

    gateway: Station
    down: Station
    up: Station
    lan: Station
    here: list[simpy.Event] = field(default_factory=list)


@dataclass(slots=True)
class Fleet:
    """The stations, and what the devices did at them."""

    env: simpy.Environment
    campaign: Campaign
    design: Design
    times: ServiceTimes
    network: Network
    asked: Asked
    clients: list[Station]
    schedulers: list[Station]
    writers: list[Station]
    store: Station
    uplink: Station
    sites: list[Site]
    launches: int = 0
    touches: int = 0
    ideal_s: float = 0.0
    began_s: list[float] = field(default_factory=list)
    ended_s: list[float] = field(default_factory=list)

    def stations(self) -> dict[str, list[Station]]:
        """Return the stations by their kind."""
        found = {
            "client": self.clients, "scheduler": self.schedulers,
            "gateway": [] if self.design.in_one else [site.gateway for site in self.sites],
            "down": [site.down for site in self.sites], "up": [site.up for site in self.sites],
            "lan": [site.lan for site in self.sites], "uplink": [self.uplink],
            "writers": self.writers, "store": [self.store],
        }  # fmt: skip
        return {kind: some for kind, some in found.items() if any(one.visits for one in some)}


def simulated(
    campaign: Campaign, design: Design, times: ServiceTimes, network: Network | None = None
) -> Fleet:
    """Return the fleet after its last launch; the same for the same arguments, whenever."""
    import simpy

    env, network = simpy.Environment(), network or Network()
    fleet = Fleet(
        env, campaign, design, times, network, asked(times, design),
        clients=[Station(env) for _ in range(design.clients)],
        schedulers=[Station(env) for _ in range(design.schedulers)],
        writers=[Station(env, WRITERS) for _ in range(design.clients)],
        store=Station(env, network.store_cores),
        uplink=Station(env),
        sites=[
            Site(Station(env, design.gateways), Station(env), Station(env), Station(env))
            for _ in range(campaign.sites)
        ],
    )  # fmt: skip
    if design.in_one:
        for site in fleet.sites:
            site.gateway = fleet.clients[0]
    for line in (fleet.sites[0].down, fleet.sites[0].up):
        line.closed = campaign.parted
    if campaign.models and campaign.cached:
        for site in fleet.sites:
            site.here = [env.event() for _ in range(campaign.models)]
            env.process(_to_site(fleet, site))
    for number in range(campaign.devices):
        env.process(_device(fleet, number))
    env.run()
    return fleet


def _to_site(fleet: Fleet, site: Site) -> Events:
    size, network = fleet.campaign.model_bytes, fleet.network
    for arrived in site.here:
        yield fleet.uplink.visit(size / network.client_bytes_per_s)
        yield site.down.visit(size / network.wide_bytes_per_s, network.wide_latency_s)
        arrived.succeed()


def _device(fleet: Fleet, number: int) -> Events:
    campaign, env = fleet.campaign, fleet.env
    site = fleet.sites[number % campaign.sites]
    rng = random.Random(f"{campaign.seed} {number}")
    if rng.random() < campaign.dead:
        yield env.timeout(CONNECT_TIMEOUT_S)
        return
    if campaign.connecting:
        yield site.gateway.visit(fleet.times.connect_ms / 1e3)
    yield from _models(fleet, site)
    fleet.began_s.append(env.now)
    own_s = 0.0
    over = env.event()
    if fleet.design.touched_s:
        env.process(_touches(fleet, number, site, over))
    launch = _loop(fleet, number, site)
    for launch_s in _launches(fleet, number, rng):
        if campaign.cut and rng.random() < campaign.cut:
            yield env.timeout(rng.random() * launch_s + DEAD_PEER_S)
            yield site.gateway.visit(fleet.times.connect_ms / 1e3)
        own_s += launch_s
        yield from launch(launch_s)
        fleet.launches += 1
    fleet.ideal_s = max(fleet.ideal_s, own_s)
    fleet.ended_s.append(env.now)
    over.succeed()


def _touches(fleet: Fleet, number: int, site: Site, over: simpy.Event) -> Events:
    """Touch a session until it is over, the next time so long after the last was sent.

    Nobody waits for a touch: all that it asks of the other stations is asked at once. Sessions are
    opened one after another, so that their touches are spread.
    """
    one, network, every_s = fleet.asked, fleet.network, fleet.design.touched_s
    client = fleet.clients[number % len(fleet.clients)]
    others = [
        (fleet.schedulers[number % len(fleet.schedulers)], one.call_scheduler_s),
        (site.down, one.request_bytes / network.wide_bytes_per_s),
        (site.gateway, one.call_gateway_s),
        (site.up, one.taken_bytes / network.wide_bytes_per_s),
    ]
    others = [(station, service_s) for station, service_s in others if service_s]
    yield fleet.env.timeout(every_s * random.Random(f"touches {number}").random())
    while not over.triggered:
        fleet.touches += 1
        for station, service_s in others:
            station.take(service_s)
        yield client.visit(one.call_client_s, every_s)


def _models(fleet: Fleet, site: Site) -> Events:
    size, network = fleet.campaign.model_bytes, fleet.network
    for index in range(fleet.campaign.models):
        if fleet.campaign.cached:
            yield site.here[index]
        else:
            yield fleet.uplink.visit(size / network.client_bytes_per_s)
            yield site.down.visit(size / network.wide_bytes_per_s, network.wide_latency_s)
        yield site.lan.visit(size / network.lan_bytes_per_s)


def _launches(fleet: Fleet, number: int, rng: random.Random) -> Iterator[float]:
    """Yield how long each launch lasts: of its cell one that was measured, cells in random order.

    A suite of more cells than were measured has the first ones again.
    """
    campaign = fleet.campaign
    measured = fleet.times.launches_ms[campaign.kinds[number % len(campaign.kinds)]]
    cells = [measured[index % len(measured)] for index in range(campaign.cells)]
    more_ms = fleet.times.between_ms
    for _ in range(campaign.rounds):
        rng.shuffle(cells)
        for cell in cells:
            yield (cell[int(rng.random() * len(cell))] + more_ms) * campaign.slower / 1e3


def _loop(fleet: Fleet, number: int, site: Site) -> Callable[[float], Events]:
    """Return what one launch does, with all that it needs at hand."""
    env, one, design, network = fleet.env, fleet.asked, fleet.design, fleet.network
    client = fleet.clients[number % len(fleet.clients)]
    scheduler = fleet.schedulers[number % len(fleet.schedulers)]
    writers, latency_s = fleet.writers[number % len(fleet.writers)], network.wide_latency_s
    request_s = one.request_bytes / network.wide_bytes_per_s
    taken_s = one.taken_bytes / network.wide_bytes_per_s
    answer_s = one.answer_bytes / network.wide_bytes_per_s
    half_s, here_s = one.call_scheduler_s / 2, one.call_gateway_s / 2
    at_once = design.calls == 2

    def launch(launch_s: float) -> Events:
        if design.asked_before:
            yield from asked_before()
        yield client.visit(one.client_first_s, design.window_s / 2)
        yield scheduler.visit(half_s)
        yield site.down.visit(request_s, latency_s)
        yield site.gateway.visit(one.gateway_first_s + (here_s if at_once else 0.0))
        done_s = env.now + launch_s
        if at_once:
            yield from again()
        while (left_s := done_s - env.now) > WAIT_S:
            yield env.timeout(WAIT_S)
            yield site.gateway.visit(here_s)
            yield from again()
        if left_s > 0:
            yield env.timeout(left_s)
        yield site.gateway.visit(one.gateway_last_s, design.window_s / 2)
        yield site.up.visit(answer_s, latency_s)
        yield scheduler.visit(one.scheduler_back_s)
        yield client.visit(one.client_last_s)
        yield writers.visit(one.commit_wait_s)
        yield fleet.store.visit(one.commit_server_s)

    def again() -> Events:
        """Bring back a short answer, and take the next call there."""
        yield site.up.visit(taken_s, latency_s)
        yield scheduler.visit(half_s)
        yield client.visit(one.call_client_s)
        yield scheduler.visit(half_s)
        yield site.down.visit(request_s, latency_s)
        yield site.gateway.visit(here_s)

    def asked_before() -> Events:
        yield client.visit(one.call_client_s / 2)
        yield scheduler.visit(half_s)
        yield site.down.visit(request_s, latency_s)
        yield site.gateway.visit(one.call_gateway_s)
        yield site.up.visit(taken_s, latency_s)
        yield scheduler.visit(half_s)
        yield client.visit(one.call_client_s / 2)

    return launch
