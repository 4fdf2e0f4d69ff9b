"""What models declare and what a database has, compared. No I/O, so that both colours share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runic.orm.exceptions import OrmError
from runic.orm.schema.index_manager import IndexSpec, extract_declared_specs
from runic.orm.schema.needs import SIMILARITIES

__all__ = ["ChangedIndex", "Expand", "ValidationResult", "compare", "declared_by", "reraise", "to_create"]

type Expand = Callable[[IndexSpec], tuple[IndexSpec, ...]]


@dataclass(frozen=True, slots=True)
class ChangedIndex:
    """An index that is in the database, but not as it is declared.

    Attributes:
        declared: as the models have it.
        existing: as the database has it; its ``options`` tell what differs. A ``name`` among them is one
            under which searches do not find the index.
    """

    declared: IndexSpec
    existing: IndexSpec

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value!r}" for name, value in _differences(self.declared, self.existing))
        return f"{self.existing} has {told}"


@dataclass(slots=True)
class ValidationResult:
    """What :meth:`SchemaManager.validate_schema` found.

    Attributes:
        is_valid: nothing is missing, nothing is extra, nothing has changed, nothing went wrong.
        missing_indexes: declared, but not in the database.
        extra_indexes: in the database, but not declared.
        errors: declarations that could not be read, and the like.
        changed_indexes: in the database with another dimension or similarity, or under a name where
            searches do not look.
    """

    is_valid: bool
    missing_indexes: list[IndexSpec] = field(default_factory=list[IndexSpec])
    extra_indexes: list[IndexSpec] = field(default_factory=list[IndexSpec])
    errors: list[str] = field(default_factory=list[str])
    changed_indexes: list[ChangedIndex] = field(default_factory=list[ChangedIndex])


def declared_by(entity_classes: Sequence[type], on_error: Callable[[OrmError], None]) -> list[IndexSpec]:
    """All that the classes declare, each once.

    Raises:
        TypeError: it is one class.
    """
    given: object = entity_classes
    if isinstance(given, type):
        raise TypeError(f"models are given as a list: [{given.__name__}], not {given.__name__}")
    specs: list[IndexSpec] = []
    for each in entity_classes:
        try:
            specs += extract_declared_specs(each)
        except OrmError as error:
            on_error(error)
    return list(dict.fromkeys(specs))


def reraise(error: OrmError) -> None:
    """Raise what went wrong."""
    raise error


def to_create(entity_class: type, existing: Iterable[IndexSpec], expand: Expand) -> list[IndexSpec]:
    """What to create of a class, in order; fulltext indexes of a label as one, as some servers have it."""
    present = _usable(existing)
    specs = extract_declared_specs(entity_class)
    others = [
        spec for spec in specs if spec.index_type != "FULLTEXT" and not present.issuperset(expand(spec))
    ]
    return [*others, *_joined(each for each in specs if each.index_type == "FULLTEXT")]


def compare(
    entity_classes: Sequence[type],
    declared: Sequence[IndexSpec],
    existing: Sequence[IndexSpec],
    expand: Expand,
    errors: Sequence[str] = (),
) -> ValidationResult:
    """Compare; extra are only indexes on labels and types of these classes."""
    present = _usable(existing)
    missing = [spec for spec in declared if not present.issuperset(expand(spec))]
    parts = {part: part for spec in declared for part in expand(spec)}
    names = _names(entity_classes)
    extra: list[IndexSpec] = []
    changed: list[ChangedIndex] = []
    for spec in existing:
        wanted = parts.get(spec)
        if wanted is not None:
            if _differences(wanted, spec):
                changed.append(ChangedIndex(wanted, spec))
        elif (spec.entity, spec.label) in names:
            extra.append(spec)
    valid = not (missing or extra or errors or changed)
    return ValidationResult(valid, missing, extra, list(errors), changed)


def _usable(existing: Iterable[IndexSpec]) -> set[IndexSpec]:
    """What is there; a unique constraint has an index, which serves as one over its properties."""
    found: set[IndexSpec] = set()
    for spec in existing:
        found.add(spec)
        if spec.index_type == "UNIQUE":
            found.add(IndexSpec(spec.label, spec.property, "RANGE", spec.entity, spec.properties))
    return found


def _differences(declared: IndexSpec, existing: IndexSpec) -> list[tuple[str, Any]]:
    """The options of ``existing`` that are not as declared. Servers fill in what was left open."""
    wanted = dict(declared.options)
    if declared.index_type == "VECTOR":
        wanted.setdefault("similarity", SIMILARITIES[0])
    found = [
        (name, existing.options[name])
        for name, value in wanted.items()
        if value is not None and existing.options.get(name) not in (None, value)
    ]
    if "name" in existing.options:
        found.append(("name", existing.options["name"]))
    return found


def _joined(specs: Iterable[IndexSpec]) -> list[IndexSpec]:
    """The fulltext specs of each label as one, in the order of their properties."""
    groups: dict[tuple[str, Any], list[IndexSpec]] = {}
    for spec in specs:
        groups.setdefault((spec.label, spec.entity), []).append(spec)
    joined: list[IndexSpec] = []
    for (label, entity), group in groups.items():
        names = tuple(dict.fromkeys(name for spec in group for name in spec.properties))
        joined.append(IndexSpec(label, names[0], "FULLTEXT", entity, names, group[0].options))
    return joined


def _names(entity_classes: Sequence[type]) -> set[tuple[str, str]]:
    """The labels and types of the classes, those without an index too."""
    names: set[tuple[str, str]] = set()
    for each in entity_classes:
        meta = getattr(each, "_runic_meta", None)
        if meta is not None:
            edge = hasattr(meta, "type")
            names.add(("EDGE", meta.type) if edge else ("NODE", meta.primary_label))
    return names
