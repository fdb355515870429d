"""The model of ten thousand devices, held against what can be worked out by hand."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import pytest
import simpy

from benchmarks.sites.design import TOUCHED_S, Design, Network, bound_s, calls_of, fits, per_launch
from benchmarks.sites.fleet import CONNECT_TIMEOUT_S, Campaign, Fleet, simulated
from benchmarks.sites.result import told
from benchmarks.sites.service_times import Call, ServiceTimes
from benchmarks.sites.stations import Station

NOTHING = Call(0.0, 0.0, 0.0)
#: A launch of a second, and no time for anything else.
FREE = ServiceTimes(
    taken=NOTHING, answer=NOTHING, direct_taken=NOTHING, direct_answer=NOTHING, plain=NOTHING,
    read_ms=0.0, loop_ms=0.0, agent_ms=0.0, connect_ms=0.0, commit_client_ms=0.0,
    commit_server_ms=0.0, commit_wait_ms=0.0, together_client_ms=0.0, together_server_ms=0.0,
    between_ms=0.0, launches_ms={"fixed": ((1000.0,),), "two": ((100.0, 300.0), (2000.0,))},
)  # fmt: skip
NEAR = Network(1e15, 0.0, 1e15, 1e15, 4)
#: As those fleets were that the simulation is held against: no touches.
ONE_CALL, TWO_CALLS = Design(touched_s=0.0), Design(calls=2, touched_s=0.0)


def fixed(devices: int, rounds: int, sites: int = 1, **more: Any) -> Campaign:
    return Campaign(devices, sites, cells=1, rounds=rounds, kinds=("fixed",), **more)


def ends_s(fleet: Fleet) -> float:
    return max(fleet.ended_s)


def test_where_nothing_takes_time_a_device_needs_its_launches_alone() -> None:
    fleet = simulated(fixed(1, 7), Design(), FREE, NEAR)
    assert ends_s(fleet) == pytest.approx(7.0)
    assert told(fleet)["over_ideal"] == pytest.approx(1.0)


def test_one_device_waits_for_nobody() -> None:
    """Of two calls the second is on its way while the device works."""
    call = Call(4.0, 6.0, 2.0)
    times = dataclasses.replace(
        FREE, taken=call, answer=call, read_ms=1.0, loop_ms=3.0, agent_ms=8.0,
        commit_client_ms=5.0, commit_server_ms=7.0, commit_wait_ms=11.0,
    )  # fmt: skip
    network = dataclasses.replace(NEAR, wide_latency_s=0.02)
    before_ms = (2 + 3) + 3 + 20 + (2 + 4)
    after_ms = (1 + 4) + 20 + 3 + (2 + 1 + 5) + 11 + 7
    each_s = (before_ms + 1000 + after_ms) / 1e3
    assert ends_s(simulated(fixed(1, 5), TWO_CALLS, times, network)) == pytest.approx(5 * each_s)
    before_ms, after_ms = (2 + 3) + 3 + 20 + (1 + 4), (1 + 4) + 20 + 3 + (2 + 1 + 5) + 11 + 7
    each_s = (before_ms + 1000 + after_ms) / 1e3
    assert ends_s(simulated(fixed(1, 5), ONE_CALL, times, network)) == pytest.approx(5 * each_s)


@pytest.mark.parametrize(("launch_s", "calls"), [(0.5, 1), (4.9, 1), (5.1, 2), (9.9, 2), (16.0, 4)])
def test_a_launch_is_asked_for_again_every_five_seconds(launch_s: float, calls: int) -> None:
    call = Call(1.0, 1.0, 1.0)
    times = dataclasses.replace(
        FREE, taken=call, answer=call, launches_ms={"fixed": ((1e3 * launch_s,),)}
    )
    fleet = simulated(fixed(1, 7), ONE_CALL, times, NEAR)
    assert calls_of(launch_s, ONE_CALL) == calls
    for station in (fleet.clients[0], fleet.schedulers[0], fleet.sites[0].gateway):
        assert station.busy_s == pytest.approx(7 * calls * 1e-3)
    demands = per_launch(times, ONE_CALL, NEAR, 1, calls)
    assert demands["client"].launch_s == pytest.approx(calls * 1e-3)


def test_a_call_on_its_way_holds_no_launch_up() -> None:
    """Of a launch of 12 s: its lines wait at the gateway for the last of three calls."""
    network = dataclasses.replace(NEAR, wide_latency_s=0.1)
    times = dataclasses.replace(FREE, launches_ms={"fixed": ((12_000.0,),)})
    fleet = simulated(fixed(1, 1), ONE_CALL, times, network)
    assert ends_s(fleet) == pytest.approx(0.1 + 12.0 + 0.1)


def test_a_session_is_touched_at_every_station_until_it_is_over() -> None:
    call = Call(3.0, 2.0, 1.0)
    times = dataclasses.replace(FREE, taken=call, answer=call)
    touched, left = (
        simulated(fixed(40, 100), design, times, NEAR) for design in (Design(), ONE_CALL)
    )
    assert left.touches == 0
    assert touched.touches == pytest.approx(40 * 100 / TOUCHED_S, rel=0.1)
    for kind, each_s in (("client", 3e-3), ("scheduler", 2e-3), ("gateway", 1e-3)):
        more_s = touched.stations()[kind][0].busy_s - left.stations()[kind][0].busy_s
        assert more_s == pytest.approx(touched.touches * each_s)
        assert per_launch(times, Design(), NEAR, 1)[kind].touches == pytest.approx(each_s / 15)
    assert ends_s(touched) == pytest.approx(ends_s(left), rel=0.01)


def test_touches_alone_can_be_more_than_a_controller_does() -> None:
    """A touch of 10 ms each 15 s: 1,500 devices leave no time for a launch."""
    times = dataclasses.replace(FREE, taken=Call(10.0, 0.0, 0.0), answer=Call(10.0, 0.0, 0.0))
    room = fits(times, Design(), NEAR, 1, 1.0)["client"]
    assert room == pytest.approx(1 / (0.01 / 1.01 + 0.01 / 15))
    assert per_launch(times, Design(), NEAR, 1)["client"].touches * 1500 == pytest.approx(1.0)


def test_who_asks_for_the_temperature_first_waits_for_a_call_more() -> None:
    network = dataclasses.replace(NEAR, wide_latency_s=0.1)
    call = Call(1.0, 2.0, 3.0)
    times = dataclasses.replace(FREE, taken=call, answer=call)
    one, more = (
        ends_s(simulated(fixed(1, 5), design, times, network))
        for design in (ONE_CALL, dataclasses.replace(ONE_CALL, asked_before=True))
    )
    assert more - one == pytest.approx(5 * (0.006 + 0.2))


@pytest.mark.parametrize("devices", [5, 50, 101, 102, 400])
def test_one_bottleneck_is_what_its_work_comes_to(devices: int) -> None:
    """The client takes 10 ms before a launch of 1 s: it keeps up with 101 devices."""
    times, rounds = dataclasses.replace(FREE, loop_ms=10.0), 6
    found = ends_s(simulated(fixed(devices, rounds), ONE_CALL, times, NEAR))
    if devices <= 101:  # none waits but before its first launch
        assert found == pytest.approx(devices * 0.01 + 1 + (rounds - 1) * 1.01)
    else:  # it is never idle until the last launch has begun
        assert found == pytest.approx(devices * rounds * 0.01 + 1)
    room = fits(times, ONE_CALL, NEAR, 1, 1.0)
    assert int(room["client"]) == 101


def test_several_servers_share_the_work() -> None:
    times = dataclasses.replace(FREE, commit_server_ms=40.0)
    fleet = simulated(fixed(200, 5), ONE_CALL, times, NEAR)
    assert ends_s(fleet) == pytest.approx(1 + 200 * 5 * 0.04 / 4)
    assert fleet.store.utilization(ends_s(fleet)) == pytest.approx(10.0 / 11.0)


def test_an_open_queue_waits_as_pollaczek_and_khinchin_say() -> None:
    """M/D/1: the mean wait is rho D / (2 (1 - rho))."""
    env, rng, rho, service_s = simpy.Environment(), random.Random(3), 0.7, 1.0
    station = Station(env)

    def arrivals() -> Iterator[simpy.Event]:
        for _ in range(60_000):
            yield env.timeout(rng.expovariate(rho / service_s))
            station.visit(service_s)

    env.process(arrivals())
    env.run()
    expected_s = rho * service_s / (2 * (1 - rho))
    assert station.waited_s / station.visits == pytest.approx(expected_s, rel=0.05)


@pytest.mark.parametrize("servers", [1, 3])
def test_a_station_is_a_resource_of_simpy(servers: int) -> None:
    def played(ours: bool) -> list[tuple[float, int]]:
        env, rng, left = simpy.Environment(), random.Random(8), []
        station, resource = Station(env, servers), simpy.Resource(env, servers)

        def customer(number: int, arrives_s: float, service_s: float) -> Iterator[simpy.Event]:
            yield env.timeout(arrives_s)
            if ours:
                yield station.visit(service_s)
            else:
                with resource.request() as turn:
                    yield turn
                    yield env.timeout(service_s)
            left.append((round(env.now, 9), number))

        for number in range(300):
            env.process(customer(number, rng.uniform(0, 100), rng.expovariate(1.0)))
        env.run()
        return left

    assert played(True) == played(False)


@pytest.mark.parametrize("design", [Design(), TWO_CALLS, Design(asked_before=True)])
def test_work_done_is_what_was_asked_and_no_faster_than_the_busiest_station(
    design: Design,
) -> None:
    times = dataclasses.replace(
        FREE, taken=Call(2.0, 3.0, 1.0), answer=Call(3.0, 4.0, 2.0), read_ms=1.0, agent_ms=2.0,
        commit_client_ms=0.5, commit_server_ms=1.0, commit_wait_ms=4.0,
    )  # fmt: skip
    fleet = simulated(Campaign(300, 3, 2, 10, ("two",)), design, times, Network())
    found, demands = told(fleet), per_launch(times, design, Network(), 3)
    for kind, demand in demands.items():
        stations = fleet.stations()[kind]
        asked_s = fleet.launches * demand.launch_s + fleet.touches * demand.touches * TOUCHED_S
        assert sum(one.busy_s for one in stations) == pytest.approx(asked_s)
        assert sum(one.servers for one in stations) == demand.servers
    assert fleet.launches == 300 * 2 * 10
    assert found["busiest"] == ("client" if design == Design() else "scheduler")
    assert bound_s(demands, fleet.launches) <= found["makespan_s"]
    assert found["makespan_s"] <= bound_s(demands, fleet.launches) + 3 * fleet.ideal_s


def test_a_seed_stands_for_the_same_campaign() -> None:
    times = dataclasses.replace(FREE, loop_ms=5.0)
    one, again, other = (
        told(simulated(Campaign(40, 2, 5, 3, ("two",), seed=seed), Design(), times))
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_messages_that_travel_together_share_the_call_and_not_the_bytes() -> None:
    times = dataclasses.replace(FREE, taken=Call(2.0, 1.0, 2.0), answer=Call(3.0, 1.5, 2.0))
    alone = per_launch(times, Design(calls=2), NEAR, 1)
    ten = per_launch(times, Design(calls=2, together=10), NEAR, 1)
    assert alone["client"].launch_s == pytest.approx(5.0e-3)
    assert ten["client"].launch_s == pytest.approx(0.2e-3 + 0.2e-3 + 1.0e-3)
    assert ten["scheduler"].launch_s == pytest.approx(0.1e-3 + 0.1e-3 + 0.5e-3)
    assert ten["client"].touches == pytest.approx(0.2e-3 / TOUCHED_S)


def test_a_parted_site_is_later_by_the_parting_and_the_others_are_not() -> None:
    network = dataclasses.replace(NEAR, wide_latency_s=0.01)
    fleet = simulated(fixed(2, 20, sites=2, parted=(5.0, 65.0)), ONE_CALL, FREE, network)
    here, there = max(fleet.ended_s), min(fleet.ended_s)
    assert there == pytest.approx(20 * 1.02)
    assert here == pytest.approx(there + 60, abs=1.02)


def test_dead_devices_make_no_launch_and_cut_launches_are_made_again() -> None:
    fleet = simulated(fixed(300, 3, dead=0.2, cut=0.1), ONE_CALL, FREE, NEAR)
    assert fleet.launches == 3 * len(fleet.ended_s)
    assert 200 < len(fleet.ended_s) < 280
    assert ends_s(fleet) > 3.0 + CONNECT_TIMEOUT_S


@pytest.mark.parametrize("cached", [True, False])
def test_a_model_crosses_the_wide_link_once_a_site_or_once_a_device(cached: bool) -> None:
    network = Network(10e6, 0.0, 100e6, 50e6, 4)
    campaign = fixed(6, 1, sites=2, models=1, model_bytes=100e6, cached=cached)
    fleet = simulated(campaign, ONE_CALL, FREE, network)
    uplink_s, wide_s, lan_s, launch_s = 2.0, 10.0, 1.0, 1.0
    if cached:  # the second site's copy leaves after the first; then three devices in turn
        expected_s = 2 * uplink_s + wide_s + 3 * lan_s + launch_s
    else:  # three in turn over each wide link, which is slower than the uplink
        expected_s = 2 * uplink_s + 3 * wide_s + lan_s + launch_s
    moved_s = ends_s(fleet)
    assert moved_s == pytest.approx(expected_s, rel=0.01)
