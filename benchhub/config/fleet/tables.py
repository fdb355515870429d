"""The tables of a fleet file as pydantic models: those of a profile, for many devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, create_model

from benchhub.config.schema import DeviceTable, Name, ProfileFile
from benchhub.config.strict import StrictTable


def _optional(model: type[BaseModel], *but: str) -> dict[str, Any]:
    """Return the keys of a table but for some, each of which may be left out."""
    found: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        kind: Any = field.annotation
        for limit in field.metadata:
            kind = Annotated[kind, limit]
        found[key] = (kind | None, Field(None, description=field.description))
    return {key: of for key, of in found.items() if key not in but}


def _parts() -> dict[str, Any]:
    """Return what a profile has beside `[device]`."""
    return {
        key: (kind, Field(None, description=f"as `[{key}]` of a profile"))
        for key, (kind, _) in _optional(ProfileFile, "device").items()
    }


_TRANSPORT = DeviceTable.model_fields["transport"]
#: What a profile has beside `[device]`.
OTHERS = tuple(key for key in ProfileFile.model_fields if key != "device")


class _GroupNames(StrictTable):
    """Whose names and addresses a group has."""

    names: str | list[str] = Field(
        description='the devices: a pattern, "rack1-{01..40}" or "pi-{a,b}", or a list of such'
    )
    addresses: str | list[str] | None = Field(
        None,
        description='ssh: where each is, in the same order: a pattern, "10.0.1.{101..140}", or a'
        ' list; `{name}` in it is the device\'s name: "{name}.lab-1.example"',
    )


if TYPE_CHECKING:

    class MemberTable(StrictTable):
        """One device of a group."""

    class GroupTable(_GroupNames):
        """A group as it is written."""

        members: dict[str, MemberTable]
else:
    SharedTable = create_model(
        "SharedTable",
        __base__=StrictTable,
        __doc__="`[groups.NAME.device]`: how each device of a group is reached; `{name}` in a text"
        " is the device's name.",
        transport=(_TRANSPORT.annotation, Field(description=_TRANSPORT.description)),
        **_optional(DeviceTable, "name", "host", "transport"),
    )
    OwnTable = create_model(
        "OwnTable",
        __base__=StrictTable,
        __doc__="`[groups.NAME.members.DEVICE.device]`: what is otherwise of one device.",
        **_optional(DeviceTable, "name"),
    )
    MemberTable = create_model(
        "MemberTable",
        __base__=StrictTable,
        __doc__="`[groups.NAME.members.DEVICE]`: what one device has otherwise than its group.",
        device=(OwnTable | None, Field(None, description="as `[device]`, but for `name`")),
        **_parts(),
    )
    GroupTable = create_model(
        "GroupTable",
        __base__=_GroupNames,
        __doc__="`[groups.NAME]`: devices of one kind. Each gets the label `group` with its name.",
        device=(
            SharedTable,
            Field(
                description="as `[device]` of a profile, but for `name` and `host`; `{name}` in a"
                " text is the device's name"
            ),
        ),
        **_parts(),
        members=(
            dict[Name, MemberTable],
            Field({}, description="by a device's name: what it has otherwise"),
        ),
    )


class FleetFile(StrictTable):
    """A `fleet.toml`."""

    groups: dict[Name, GroupTable] = Field(
        min_length=1, description="devices of one kind, by the group's name"
    )
