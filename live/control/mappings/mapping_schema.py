"""The JSON schema of mapping files, for editors, made from the structs of `mappings.mapping_file`.

Tested in tests/live/control/test_mapper.py.
"""

import inspect
import json

import msgspec

from live.control.mappings.mapping_file import SOURCES, Mapping
from live.settings.knobs import ACTIONS, KNOBS


def schema() -> str:
    """Return the JSON schema of the mapping file, for editors, as text."""
    tree = msgspec.json.schema(Mapping)
    control = tree["$defs"]["Control"]
    actions = [f"{name} {word}" for name, words in ACTIONS.items() for word in words]
    for part in tree["$defs"].values():
        part["description"] = inspect.cleandoc(part["description"]).partition("\n")[0]
    control["properties"]["knob"] = {"enum": list(KNOBS)}
    control["properties"]["action"] = {
        "enum": actions + [name for name, words in ACTIONS.items() if not words]
    }
    for name, shape in control["properties"].items():
        options = [option for option in shape.pop("anyOf", ()) if option != {"type": "null"}]
        plain = shape | (options[0] if len(options) == 1 else {})
        plain.pop("default", None)
        if "enum" in plain:
            plain["enum"] = [word for word in plain["enum"] if word is not None]
        control["properties"][name] = plain
    control["allOf"] = [
        {"oneOf": [{"required": [name]} for name in SOURCES]},
        {"oneOf": [{"required": ["knob"]}, {"required": ["action"]}]},
    ]
    tree["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    tree["title"] = "twobar mapping"
    return json.dumps(tree, indent=2, sort_keys=True) + "\n"
