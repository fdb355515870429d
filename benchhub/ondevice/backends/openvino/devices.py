"""OpenVINO's devices: which are there, how each is set up, and what is in force once compiled."""

from typing import Any, Dict, List, Mapping, Optional, Tuple

from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.backends.openvino import BACKEND
from benchhub.ondevice.failed import Failed

_NEEDS = {
    "GPU": "Intel's GPU driver and an OpenCL loader (libOpenCL.so.1)",
    "NPU": "Intel's NPU driver",
}
#: Options that are one property each, and what their values are to OpenVINO.
FURTHER: Mapping[str, Tuple[str, Mapping[str, Any]]] = {
    "execution_mode": (
        "EXECUTION_MODE_HINT", {"performance": "PERFORMANCE", "accuracy": "ACCURACY"}
    ),
    "scheduling_core_type": (
        "SCHEDULING_CORE_TYPE", {"any": "ANY_CORE", "pcore": "PCORE_ONLY", "ecore": "ECORE_ONLY"}
    ),
    "hyper_threading": ("ENABLE_HYPER_THREADING", {"default": None, "on": True, "off": False}),
    "pinning": ("ENABLE_CPU_PINNING", {"default": None, "on": True, "off": False}),
}  # fmt: skip


def check_available(core: Any, device: str) -> None:
    """Raise Failed, kind missing, where OpenVINO sees no such device, with the cause it tells."""
    found = list(core.available_devices)
    if device == "AUTO" or any(name.split(".")[0] == device for name in found):
        return
    from benchhub.ondevice.backends.openvino.errors import cause  # not wanted in the import's time

    why = "no such device, or not its driver"
    try:
        core.get_property(device, "FULL_DEVICE_NAME")
    except RuntimeError as error:
        if "Cannot load library" in str(error):
            why = cause(str(error))
    raise Failed(
        "missing",
        "openvino sees %s on this machine, not %s (%s); %s needs %s"
        % (", ".join(found) or "no device", device, why, device, _NEEDS[device]),
    )


def settings(core: Any, device: str, hint: str, streams: int, options: LoadOptions) -> Any:
    """Return the properties to compile for `device` with; AUTO's are per device it may choose.

    Each of `concurrency` requests gets `threads` threads of a CPU and a stream of its own, unless
    `streams` says how many, or the throughput hint leaves that to the plugin.
    """
    chosen: Dict[str, Any] = {"INFERENCE_PRECISION_HINT": options.precision}
    if hint != "none":
        chosen["PERFORMANCE_HINT"] = hint.upper()
    if streams or hint != "throughput":
        chosen["NUM_STREAMS"] = streams or options.concurrency
    chosen["INFERENCE_NUM_THREADS"] = options.threads * options.concurrency
    if device != "AUTO":
        return _supported(core, device, chosen)
    per_device = {name: _supported(core, name, chosen) for name in core.available_devices}
    return {
        # Else it starts on the CPU, and moves to another device in the middle of the timing.
        "ENABLE_STARTUP_FALLBACK": False,
        "ENABLE_RUNTIME_FALLBACK": False,
        "DEVICE_PROPERTIES": per_device,
        **({"PERFORMANCE_HINT": hint.upper()} if hint != "none" else {}),
    }


def further(core: Any, device: str, asked: Mapping[str, str]) -> Dict[str, Any]:
    """Return the properties for those options that are not at their defaults.

    ValueError where `device` lacks one of them, or is AUTO, which has none of its own.
    """
    found = {}
    for name, value in asked.items():
        if value == BACKEND.options[name].default:
            continue
        key, meanings = FURTHER[name]
        if device == "AUTO" or key not in core.get_property(device, "SUPPORTED_PROPERTIES"):
            text = "openvino: device %s has no %s; leave that option out, or name another device"
            raise ValueError(text % (device, name))
        found[key] = meanings[value]
    return found


def check_further(in_force: "InForce", asked: Mapping[str, str]) -> None:
    """Raise Failed, kind fallback, for an option that the plugin took otherwise than asked."""
    for name, value in asked.items():
        key, meanings = FURTHER[name]
        found = in_force.told(key)
        if value != BACKEND.options[name].default and found != meanings[value]:
            text = "openvino took %s = %s as %s on this %s (%s); leave it out, or choose another"
            there = "+".join(in_force.devices), ", ".join(in_force.full_names)
            raise Failed("fallback", text % (name, value, found, *there))


def _supported(core: Any, device: str, chosen: Mapping[str, Any]) -> Dict[str, Any]:
    known = core.get_property(device, "SUPPORTED_PROPERTIES")
    return {name: value for name, value in chosen.items() if name in known}


class InForce:
    """What a compiled model says of itself: of the device it is on, where AUTO chose that."""

    def __init__(self, core: Any, compiled: Any) -> None:
        found = compiled.get_property("EXECUTION_DEVICES")
        names = [found] if isinstance(found, str) else list(found)
        #: AUTO gives the name of a device that only stands in for another in parentheses.
        self.devices: List[str] = [str(name).strip("()") for name in names]
        self._compiled = compiled
        self._known = set(compiled.get_property("SUPPORTED_PROPERTIES"))
        self._nested: Mapping[str, Any] = {}
        if "DEVICE_PROPERTIES" in self._known:
            nested = compiled.get_property("DEVICE_PROPERTIES")
            self._nested = nested.get(self.devices[0]) or next(iter(nested.values()), {})
        self.full_names = [
            str(core.get_property(name, "FULL_DEVICE_NAME")).strip() for name in self.devices
        ]

    def __getitem__(self, name: str) -> Any:
        """Return a property, None where neither the model nor its device has it."""
        if name in self._nested:
            return self._nested[name]
        return self._compiled.get_property(name) if name in self._known else None

    def told(self, name: str) -> Any:
        """Return a property as it could have been asked for: a switch, or a name."""
        value = self[name]
        return value if value is None or isinstance(value, bool) else getattr(value, "name", value)

    @property
    def further(self) -> Dict[str, Any]:
        """What the plugin tells of the options that are one property each."""
        told = {name: self.told(key) for name, (key, _) in FURTHER.items()}
        return {name: value for name, value in told.items() if value is not None}

    def number(self, name: str) -> Optional[int]:
        """Return a property that is a number."""
        value = self[name]
        return None if value is None else int(value)

    @property
    def precision(self) -> Optional[str]:
        """The precision it computes in: f32, f16, bf16; None where the device does not tell."""
        hint = self["INFERENCE_PRECISION_HINT"]
        return None if hint is None else str(hint.get_type_name())

    @property
    def performance_hint(self) -> Optional[str]:
        """LATENCY, THROUGHPUT, or what else the plugin says."""
        hint = self["PERFORMANCE_HINT"]
        return None if hint is None else str(getattr(hint, "name", hint))
