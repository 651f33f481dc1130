"""The official SDK's paths and models, read from its files without importing it.

The import takes seconds, and sets up logging of its own.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["Method", "SdkModels"]

_METHOD: Final = re.compile(
    r"resource_path = '(?P<path>[^']*)'.*?call_api\(resource_path, '(?P<verb>\w+)'"
    r".*?response_type=(?:'(?P<answer>\w+)'|None)",
    re.DOTALL,
)
_PARAMETER: Final = re.compile(r"query_params\['(\w+)'\]")
_TYPES: Final = re.compile(r"self\.swagger_types = \{(.*?)\}", re.DOTALL)
_NAMES: Final = re.compile(r"self\.attribute_map = \{(.*?)\}", re.DOTALL)
_PAIR: Final = re.compile(r"'(\w+)': '([^']*)'")
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MANY: Final = re.compile(r"list\[(?P<item>.*)\]|dict\(str, (?P<value>.*)\)")

_VALUES: Final[dict[str, Any]] = {
    "str": "a text",
    "int": 7,
    "float": 0.5,
    "bool": True,
    "datetime": "2026-03-02T09:00:00.000Z",
    "date": "2026-03-02",
    "object": {"any": ["thing", 1]},
}


class Method(NamedTuple):
    """A method of the API.

    Args:
        parameters: Names of the query's parameters.
        answer: The model of its answer; empty if it has none.
    """

    parameters: frozenset[str]
    answer: str


class SdkModels:
    """What the SDK says of the API.

    Raises:
        LookupError: If it is not installed.
    """

    def __init__(self) -> None:
        spec = find_spec("PureCloudPlatformClientV2")
        if spec is None or spec.origin is None:
            msg = "the official SDK is not installed"
            raise LookupError(msg)
        self._folder = Path(spec.origin).parent
        self._models: dict[str, Mapping[str, str]] = {}

    @cached_property
    def getters(self) -> Mapping[str, Method]:
        """Methods that GET, by path; names of parameters in the path are left out."""
        found: dict[str, Method] = {}
        for file in sorted((self._folder / "apis").glob("*_api.py")):
            for text in re.split(r"\n    def ", file.read_text("utf-8")):
                match = _METHOD.search(text)
                if match and match["verb"] == "GET":
                    path = re.sub(r"\{\w+\}", "{}", match["path"])
                    parameters = frozenset(_PARAMETER.findall(match[0]))
                    found[path] = Method(parameters, match["answer"] or "")
        return found

    def model(self, name: str) -> Mapping[str, str]:
        """Return the types of a model's fields, by their names in JSON.

        Raises:
            LookupError: If there is no such model.
        """
        if name not in self._models:
            file = "_".join(_WORD.split(name)).lower()
            path = self._folder / "models" / f"{file}.py"
            if not path.exists():
                raise LookupError(name)
            text = path.read_text("utf-8")
            types, names = _TYPES.search(text), _NAMES.search(text)
            if types is None or names is None:
                raise LookupError(name)
            by_attribute = dict(_PAIR.findall(types[1]))
            self._models[name] = {
                sent: by_attribute[own] for own, sent in _PAIR.findall(names[1])
            }
        return self._models[name]

    def type_at(self, model: str, path: tuple[str, ...]) -> str:
        """Return the type of a field within a model.

        Args:
            model: Its name.
            path: From the model to the field; a key of an object of values leads to
                their type.

        Raises:
            LookupError: If there is no such field.
        """
        found = model
        for name in path:
            many = _MANY.fullmatch(found)
            value = many["value"] if many else ""
            found = value or self.model(found)[name]
        return found

    def fill(self, kind: str, depth: int = 3) -> Any:
        """Return a value of a type, with all fields set, *depth* objects deep."""
        if kind in _VALUES:
            return _VALUES[kind]
        if many := _MANY.fullmatch(kind):
            if many["item"]:
                return [self.fill(many["item"], depth)]
            return {"a key": self.fill(many["value"], depth)}
        return dict(self._filled(kind, depth))

    def _filled(self, model: str, depth: int) -> Iterator[tuple[str, Any]]:
        try:
            fields = self.model(model)
        except LookupError:  # an enumeration, or a model without fields
            return
        for name, kind in fields.items():
            many = _MANY.fullmatch(kind)
            inner = (many["item"] or many["value"]) if many else kind
            if inner in _VALUES or depth > 1:
                yield name, self.fill(kind, depth - 1)
