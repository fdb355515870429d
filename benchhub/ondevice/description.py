"""How a backend describes itself: data that can be read where its runtime is not installed."""

from typing import Any, Mapping, NamedTuple, Optional, Tuple

#: What a suite can ask a backend to compute in.
PRECISIONS = ("f32", "tf32", "f16", "bf16")


class BadDescription(Exception):
    """A description that cannot be used; the message names whose it is, the field and the fix."""


class BackendOption(NamedTuple):
    """An option of `[options.NAME]`: one of `choices`, or with none any value of its type.

    `words` say what it does, in the reference pages. A number is `least` or more. `needs` is
    another option and its value, without which this one changes nothing.
    """

    default: Any
    choices: Tuple[Any, ...] = ()
    words: str = ""
    least: Optional[int] = None
    needs: Optional[Tuple[str, Any]] = None


class LockFile(NamedTuple):
    """NAME.txt beside the runtime's module, a lock file; `package` is what it is about."""

    name: str
    package: str


class Description(NamedTuple):
    """A backend as data; it is the attribute BACKEND of the backend's module or package.

    Of the fields, `name`, `runtime`, `formats` and `precisions` have no default.
    """

    #: What suites, rows and the command line call it.
    name: str
    #: The module that keeps the contract of `Runtime`; its import imports what computes.
    runtime: str
    #: Model formats it reads: onnx, tflite, torchscript, exported. Empty: it runs no model.
    formats: Tuple[str, ...]
    #: Which of PRECISIONS it can be asked to compute in.
    precisions: Tuple[str, ...]
    #: Precisions it has only where an option has a certain value: precision to (option, value).
    precision_needs: Mapping[str, Tuple[str, Any]] = {}
    options: Mapping[str, BackendOption] = {}
    #: Whether its sessions can tell what each operator takes of a call.
    profiles: bool = False
    #: Words, one of which is in a row's provider, options or backend where a GPU computed it.
    gpu: Tuple[str, ...] = ()
    #: The vendor of the GPU without which it is of no use: NVIDIA. None: it is on any device.
    gpu_vendor: Optional[str] = None
    #: Distributions that bring its runtime, in the order they are looked for.
    distributions: Tuple[str, ...] = ()
    #: Whether these are runtimes that differ, so that the version begins with the name.
    names_distribution: bool = False
    #: The version of a backend without a runtime of its own, which has no `distributions`.
    version: Optional[str] = None
    #: Its locks, in the order they are tried on a device.
    locks: Tuple[LockFile, ...] = ()
    #: Whether it is provisioned where no backend is named.
    provisioned: bool = False
    #: How a device gets it where no lock can bring it, as a fix to be shown.
    by_hand: Optional[str] = None
    #: Whether it is of use to benchhub's own tests only.
    for_tests: bool = False
    #: The distribution that registered it: written by the registry; empty: benchhub itself.
    registered_by: str = ""


#: What the fields are, beside texts that may be None.
_KINDS: Mapping[Any, Tuple[str, ...]] = {
    str: ("name", "runtime"),
    tuple: ("formats", "precisions", "gpu", "distributions", "locks"),
    dict: ("precision_needs", "options"),
    bool: ("profiles", "names_distribution", "provisioned", "for_tests"),
}


def check(one: Description, name: str) -> None:
    """Raise BadDescription, naming field and fix, where a description of `name` makes no sense."""
    for kind, fields in _KINDS.items():
        for field in fields:
            if not isinstance(getattr(one, field), kind):
                raise _bad(field, getattr(one, field), "make it a %s" % kind.__name__)
    if one.name != name:
        raise _bad("name", one.name, "name it %r, as its entry point does" % name)
    if "." not in one.runtime and one.locks:
        raise _bad("runtime", one.runtime, "put it into the package that has the locks")
    for precision in (*one.precisions, *one.precision_needs):
        if precision not in PRECISIONS:
            raise _bad("precisions", precision, "there are %s" % ", ".join(PRECISIONS))
    if not all(isinstance(lock, LockFile) for lock in one.locks):
        raise _bad("locks", one.locks, "write LockFile(name, package) for each")
    if not one.distributions and one.version is None:
        text = "name what brings its runtime, or give `version` if it needs none"
        raise _bad("distributions", one.distributions, text)
    _check_options(one)


def _check_options(one: Description) -> None:
    for key, option in one.options.items():
        if not isinstance(option, BackendOption):
            raise _bad("options[%r]" % key, option, "write BackendOption(default, choices)")
        if option.choices and option.default not in option.choices:
            raise _bad("options[%r]" % key, option.default, "name the default among the choices")
        if option.needs is not None and option.needs[0] not in one.options:
            raise _bad("options[%r].needs" % key, option.needs, "write (option, value) of its own")
    for precision, needed in one.precision_needs.items():
        if not isinstance(needed, tuple) or needed[0] not in one.options:
            where = "precision_needs[%r]" % precision
            raise _bad(where, needed, "write (option, value) with one of its options")


def _bad(field: str, value: Any, fix: str) -> BadDescription:
    return BadDescription("its description has %s = %.80r; %s" % (field, value, fix))
