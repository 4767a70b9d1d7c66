"""Which presets an index is ready for."""

from __future__ import annotations

from cbir.core.errors import CbirError
from cbir.core.messages import Call, Parameter
from cbir.descriptors.presets import PRESETS, Preset
from cbir.stores.model import Snapshot


def check_holds(snapshot: Snapshot, preset: Preset) -> None:
    """Make sure that an index has the descriptors of a preset.

    Raises
    ------
    CbirError
        When the index lacks one, or has another one under that alias.
    """
    entries = {entry.alias: entry for entry in snapshot.manifest.entries}
    for named in preset.named:
        entry, descriptor = entries.get(named.alias), named.descriptor
        if entry is None:
            raise CbirError(
                f"the index has no {named.alias}, which the preset {preset.name} needs; add it"
                " with: ",
                Call("index", dataset=snapshot.root, index=snapshot.path, preset=preset.name),
            )
        if not entry.means(descriptor):
            raise CbirError(
                f"the index has another descriptor as {named.alias} than {named.spec}, which"
                f" the preset {preset.name} needs; name those to fuse, as in ",
                Parameter("descriptor", "+".join(entries)),
            )


def ready_presets(snapshot: Snapshot) -> list[str]:
    """Return the names of the presets whose descriptors an index has, all of them."""

    def is_ready(preset: Preset) -> bool:
        try:
            check_holds(snapshot, preset)
        except CbirError:
            return False
        return True

    return [preset.name for preset in PRESETS.values() if is_ready(preset)]
