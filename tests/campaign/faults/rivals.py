"""Other controllers at the same devices: another run, the same run again, one that is gone."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import signal
from types import MappingProxyType

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession
from benchhub.errors import BenchhubError
from campaign import controller
from campaign.fault import Fault, Moment
from campaign.faults.processes import agents
from campaign.scene import Scene
from campaign.site import Kind


class TwoControllers(Fault):
    """A second controller: with a run of its own on the same devices, or going on with this one."""

    name = "two controllers"
    weight = 1.5
    of_all = True
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.SSH: 1, Kind.REAL: 0.5})
    codes = frozenset({2})

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.same_run = draw.random() < 0.5
        self._second: controller.Running | None = None

    def told(self) -> str:
        return f"{self.name}, {'the same run' if self.same_run else 'each a run of its own'}"

    def prepare(self, scene: Scene) -> None:
        if self.same_run:
            controller.begin_run(scene)

    def strike(self, scene: Scene) -> bool:
        store = scene.url if self.same_run else f"sqlite:///{scene.store.with_name('rival.db')}"
        self._second = controller.start(scene, store=store, log="rival")
        return True

    def look(self, scene: Scene) -> None:
        if self._second is not None and (end := self._second.poll()) is not None:
            scene.rivals_ends.append(end)
            self._second = None

    def ended(self, scene: Scene) -> None:
        self.mend(scene)

    def mend(self, scene: Scene) -> None:
        # It has as long as everybody else: what it leaves behind is looked at, too.
        if self._second is not None:
            scene.rivals_ends.append(controller.awaited(self._second))
            self._second = None


class HolderGone(Fault):
    """Somebody holds the lease when the run begins: they go, are killed, or stay where they are."""

    name = "lease holder gone"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.SSH: 1})

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.ends = draw.choice(("leaves", "is killed", "has its agent killed", "stays"))
        self.after_s = round(draw.uniform(0.1, 1.5), 2)
        self.moment = Moment(0, self.after_s)
        self._holder: int | None = None
        self._hold: int | None = None

    def told(self) -> str:
        stays = self.ends == "stays"
        return f"{self.name}: it {self.ends}{'' if stays else f' after {self.after_s:g} s'}"

    def prepare(self, scene: Scene) -> None:
        told, tell = os.pipe()
        stay, self._hold = os.pipe()
        self._holder = os.fork()
        if self._holder == 0:
            try:
                os.close(self._hold)
                self._be(scene, tell, stay)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(stay)
        if os.read(told, 1) != b"y":  # another fault does not let anybody in
            self._kill()
        os.close(told)
        if self.ends == "stays":
            device = scene.devices[self.victim]
            device.profile = dataclasses.replace(device.profile, lease_wait_s=1.0)

    def _be(self, scene: Scene, tell: int, stay: int) -> None:
        me = {"run": "run-of-another", "user": "ada", "host": "desk", "pid": os.getpid()}
        profile = scene.devices[self.victim].profile
        try:
            with DeviceSession.open(profile, build_runner(), me):
                os.write(tell, b"y")
                os.read(stay, 1)
        except BenchhubError:
            os.write(tell, b"n")

    def strike(self, scene: Scene) -> bool:
        if self.ends == "has its agent killed":
            for one in agents(scene, self.victim)[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)
        elif self.ends == "is killed":
            self._kill()
        elif self.ends == "leaves":
            self._leave()
        return True

    def _leave(self) -> None:
        if self._hold is not None and self._holder is not None:
            os.write(self._hold, b".")
            os.close(self._hold)
            os.waitpid(self._holder, 0)
            self._holder = self._hold = None

    def _kill(self) -> None:
        if self._hold is not None and self._holder is not None:
            os.kill(self._holder, signal.SIGKILL)
            os.waitpid(self._holder, 0)
            os.close(self._hold)
            self._holder = self._hold = None

    def mend(self, scene: Scene) -> None:
        self._kill()
