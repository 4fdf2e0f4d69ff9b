"""The generated ``__init__`` of models.

Its source is written and compiled once per class, when the first entity is made: straight-line code
that fills the entity's dictionary, without a loop over fields.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runic.orm.core.access import as_relation_value, initial_value
from runic.orm.core.declare import suggest
from runic.orm.core.descriptors import MISSING, FieldDescriptor
from runic.orm.core.state import EntityState
from runic.orm.exceptions import FieldValidationError

if TYPE_CHECKING:
    from runic.orm.core.metadata import EdgeMeta, NodeMeta

__all__ = ["ModelSignature", "generic_init", "prepare_init"]


def generic_init(self: Any, /, *args: Any, **values: Any) -> None:
    """Set the fields of a new entity; replaced by a generated function on first use."""
    cls: type[Any] = self.__class__
    _initializer(cls)(self, *args, **values)
    meta = cls.__dict__["_runic_meta"]
    if cls.__dict__.get("__init__") is generic_init and not meta.wrapped:
        cls.__init__ = meta.init


def prepare_init(cls: type[Any]) -> None:
    """Give ``cls`` the ``__init__`` that fits, unless the program wrote one."""
    if _is_ours(cls.__init__):
        cls.__init__ = generic_init
        return
    if not any("__new__" in base.__dict__ for base in cls.__mro__[:-1]):
        setattr(cls, "__new__", _new_with_state)  # noqa: B010  # type checkers refuse the assignment
    # A written __init__ calls those of its bases for an object of its own class. So these must look
    # at the object's class, and not be the function that fits the base.
    for base in cls.__mro__:
        meta = base.__dict__.get("_runic_meta")
        if meta is not None:
            meta.wrapped = True
            if "__init__" in base.__dict__ and _is_ours(base.__dict__["__init__"]):
                base.__init__ = generic_init  # type: ignore[misc]


def _new_with_state(cls: type[Any], /, *_: Any, **__: Any) -> Any:
    """A new object of a class with an ``__init__`` of its own, which may not call the generated one."""
    entity = object.__new__(cls)
    entity._runic_state = EntityState()
    return entity


def _is_ours(function: object) -> bool:
    return function is generic_init or hasattr(function, "_runic_generated")


def _initializer(cls: type[Any]) -> Callable[..., None]:
    meta: NodeMeta | EdgeMeta | None = cls.__dict__.get("_runic_meta")
    if meta is None:
        raise TypeError(f"{cls.__name__} has no fields: derive a model from it")
    if meta.abstract:
        missing = 'type="..."' if hasattr(meta, "type") else "labels=[...]"
        raise TypeError(f"{cls.__name__} is abstract, a base for other models only: give it {missing}")
    if meta.init is None:
        meta.init = _generate(cls, meta)
    return meta.init


def _generate(cls: type[Any], meta: NodeMeta | EdgeMeta) -> Callable[..., None]:
    """Compile ``__init__`` for the fields of ``cls``."""
    namespace: dict[str, Any] = {
        "_runic_MISSING": MISSING,
        "_runic_State": EntityState,
        "_runic_required": _missing_required,
        "_runic_unexpected": _unexpected,
        "_runic_cls": cls,
        "_runic_initial": initial_value,
        "_runic_relation": as_relation_value,
    }
    positional: list[str] = []
    keyword: list[str] = []
    body: list[str] = []
    for name, field in meta.fields.items():
        namespace[f"_runic_f_{name}"] = field
        namespace[f"_runic_n_{name}"] = field.default_factory
        constant = _constant_default(field)
        if constant is not MISSING:
            namespace[f"_runic_d_{name}"] = constant
        if field.init:
            default = "_runic_MISSING" if constant is MISSING else f"_runic_d_{name}"
            (keyword if field.kw_only else positional).append(f"{name}={default}")
        body += _assignment(name, field, constant is MISSING)
    parameters = ["_runic_self", *positional]
    if keyword:
        parameters += ["*", *keyword]
    lines = [
        f"def __init__({', '.join(parameters)}, **_runic_unknown):",
        "    if _runic_unknown: raise _runic_unexpected(_runic_cls, _runic_unknown)",
        "    _runic_values = _runic_self.__dict__",
        '    _runic_values["_runic_state"] = _runic_State()',
        *(f"    {line}" for line in body),
    ]
    if hasattr(cls, "__post_init__"):
        lines.append("    _runic_self.__post_init__()")
    exec(compile("\n".join(lines), f"<runic {cls.__qualname__}.__init__>", "exec"), namespace)
    function: Any = namespace["__init__"]
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    function.__module__ = cls.__module__
    function._runic_generated = True
    generated: Callable[..., None] = function
    return generated


def _constant_default(field: FieldDescriptor) -> Any:
    """The default where one object serves all entities, else MISSING."""
    if field.default_factory is not None or (field.is_relation and field.uselist):
        return MISSING
    return None if field.default is MISSING else field.default


def _assignment(name: str, field: FieldDescriptor, computed: bool) -> list[str]:
    """Source lines that set one field."""
    if not field.init:
        value = f"_runic_initial(_runic_f_{name})" if computed else f"_runic_d_{name}"
        return [f"_runic_values[{name!r}] = {value}"]
    lines: list[str] = []
    if computed:
        plain = field.default_factory is not None and not field.is_relation
        made = f"_runic_n_{name}()" if plain else f"_runic_initial(_runic_f_{name})"
        lines.append(f"if {name} is _runic_MISSING: {name} = {made}")
    if field.is_relation:
        keyword = "elif" if computed else "if"
        lines.append(
            f"{keyword} {name} is not None: {name} = _runic_relation(_runic_f_{name}, {name})"
            if not field.uselist
            else f"{keyword} type({name}) is not list: {name} = _runic_relation(_runic_f_{name}, {name})"
        )
    if field.required:
        lines.append(f"if {name} is None: raise _runic_required(_runic_f_{name})")
    lines.append(f"_runic_values[{name!r}] = {name}")
    return lines


def _missing_required(field: FieldDescriptor) -> FieldValidationError:
    return FieldValidationError(f"{field.owner.__name__}.{field.name} is required: give it a value")


def _unexpected(cls: type[Any], unknown: dict[str, Any]) -> TypeError:
    fields: dict[str, FieldDescriptor] = cls.__dict__["_runic_meta"].fields
    name = next(iter(unknown))
    if name in fields:
        reason = "is generated by the database" if fields[name].generated else "is declared with init=False"
        return TypeError(f"{cls.__name__}() takes no {name!r}: the field {reason}")
    allowed = [each for each, field in fields.items() if field.init]
    hint = suggest(name, allowed) or f"; its fields are {', '.join(allowed) or 'none'}"
    if name.startswith("_"):
        hint += " (names with a leading underscore are fields only with Field())"
    return TypeError(f"{cls.__name__}() got an unexpected keyword argument {name!r}{hint}")


class ModelSignature:
    """``__signature__`` of models: what ``help()`` and ``inspect.signature()`` show for the class."""

    def __get__(self, instance: object, owner: type[Any]) -> inspect.Signature:
        meta = owner.__dict__.get("_runic_meta")
        if instance is not None or meta is None:
            raise AttributeError("__signature__")
        if not _is_ours(owner.__init__):
            written = inspect.signature(owner.__init__)
            return written.replace(parameters=list(written.parameters.values())[1:])
        fields: dict[str, FieldDescriptor] = meta.fields
        kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(
                name,
                kinds[field.kw_only],
                default=None if field.has_no_default else _shown_default(field),
                annotation=field.annotation,
            )
            for name, field in fields.items()
            if field.init
        ]
        return inspect.Signature(sorted(parameters, key=lambda parameter: parameter.kind))


def _shown_default(field: FieldDescriptor) -> Any:
    return ... if field.default_factory is not None else field.default
