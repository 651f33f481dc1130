"""Keeps text out of keys that are true or false."""

from typing import Any, Final

from pydantic import BaseModel, ValidationInfo, field_validator

__all__ = ["only_true_or_false"]

_OPTIONAL_BOOL: Final = bool | None


def _check(model: type[BaseModel], value: Any, info: ValidationInfo) -> Any:
    kind = model.model_fields[info.field_name or ""].annotation
    if kind not in (bool, _OPTIONAL_BOOL) or value is None or isinstance(value, bool):
        return value
    if value not in ("true", "false"):  # text, if it is of a variable
        msg = "must be true or false, without quotes"
        raise ValueError(msg)
    return value == "true"


only_true_or_false: Final = field_validator("*", mode="before")(classmethod(_check))
"""A validator of a model's keys. In YAML 1.2 `yes` and `on` are text and `1` a number;
pydantic would take them for true."""
