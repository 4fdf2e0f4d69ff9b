"""Managers that bring a database's indexes in line with what the models declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runic.orm.driver.factory import create_driver
from runic.orm.exceptions import OrmError
from runic.orm.schema.index_manager import IndexAdapter, IndexSpec, adapter_of, extract_declared_specs

__all__ = ["IndexManager", "SchemaManager", "ValidationResult", "create_adapter"]


def create_adapter(name: str, **options: Any) -> IndexAdapter:
    """The index adapter of a backend, with a connection of its own: ``close()`` it.

    Args:
        name: a backend's name, or a URL.
        **options: as for :func:`~runic.orm.driver.factory.create_driver`.

    Raises:
        UnknownBackendError: no such backend is installed.
        UnsupportedByBackendError: it has no index adapter.

    Example:
        >>> adapter = create_adapter("falkordb", host="localhost", graph="social")  # doctest: +SKIP
    """
    driver = create_driver(name, **options)
    try:
        return adapter_of(driver)
    except BaseException:
        driver.close()
        raise


class IndexManager:
    """Creates the indexes and constraints that models declare.

    Args:
        adapter_or_graph: an index adapter, a sync driver, or a raw graph handle of a client library
            that a backend knows.

    Example:
        >>> IndexManager(driver).create_indexes(Person)  # doctest: +SKIP
    """

    def __init__(self, adapter_or_graph: Any) -> None:
        self._adapter = adapter_of(adapter_or_graph)

    @property
    def adapter(self) -> IndexAdapter:
        """The adapter."""
        return self._adapter

    def create_indexes(self, entity_class: type, *, if_not_exists: bool = True) -> None:
        """Create all that ``entity_class`` declares, and wait until it is usable.

        Fulltext indexes of one label are made in one call, as some servers have one for all
        properties.

        Args:
            entity_class: a Node or Edge class.
            if_not_exists: leave what exists; else it is an error.

        Raises:
            ConstraintViolation: the data violates a constraint already.
            MetadataError: the declaration lacks something the server needs.
        """
        specs = extract_declared_specs(entity_class)
        existing = set(self._adapter.list_indexes()) if if_not_exists else set[IndexSpec]()
        for spec in specs:
            if spec.index_type == "FULLTEXT" or (
                existing and existing.issuperset(self._adapter.expand(spec))
            ):
                continue
            self._adapter.create(spec, if_not_exists=if_not_exists)
        for spec in _joined(each for each in specs if each.index_type == "FULLTEXT"):
            self._adapter.create(spec, if_not_exists=if_not_exists)

    def ensure_indexes(self, entity_class: type) -> None:
        """Create what is missing of ``entity_class``; leave what exists."""
        self.create_indexes(entity_class, if_not_exists=True)


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


@dataclass(slots=True)
class ValidationResult:
    """What :meth:`SchemaManager.validate_schema` found.

    Attributes:
        is_valid: nothing is missing, nothing is extra, nothing went wrong.
        missing_indexes: declared, but not in the database.
        extra_indexes: in the database, but not declared.
        errors: declarations that could not be read, and the like.
    """

    is_valid: bool
    missing_indexes: list[IndexSpec] = field(default_factory=list[IndexSpec])
    extra_indexes: list[IndexSpec] = field(default_factory=list[IndexSpec])
    errors: list[str] = field(default_factory=list[str])


class SchemaManager:
    """Compares a database's indexes with what the models declare, and brings them in line.

    Args:
        adapter_or_graph: as for :class:`IndexManager`.

    Example:
        >>> result = SchemaManager(driver).validate_schema([Person, Knows])  # doctest: +SKIP
        >>> result.missing_indexes  # doctest: +SKIP
        [IndexSpec(label='Person', property='email', index_type='UNIQUE', ...)]
    """

    def __init__(self, adapter_or_graph: Any) -> None:
        self._adapter = adapter_of(adapter_or_graph)

    @property
    def adapter(self) -> IndexAdapter:
        """The adapter."""
        return self._adapter

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """Create vertex and edge types on servers that need them; nothing elsewhere."""
        self._adapter.ensure_entity_types(entity_classes)

    def validate_schema(self, entity_classes: Sequence[type]) -> ValidationResult:
        """Compare what ``entity_classes`` declare with what the database has.

        Extra are only indexes on labels and types of these classes: others belong to somebody else.

        Args:
            entity_classes: Node and Edge classes.
        """
        errors: list[str] = []
        declared = self._declared(entity_classes, lambda error: errors.append(str(error)))
        try:
            existing = self._adapter.list_indexes()
        except OrmError as error:
            return ValidationResult(is_valid=False, errors=[*errors, str(error)])
        present = set(existing)
        missing = [spec for spec in declared if not present.issuperset(self._adapter.expand(spec))]
        extra = self._extra(declared, existing, entity_classes)
        return ValidationResult(not (missing or extra or errors), missing, extra, errors)

    def sync_schema(self, entity_classes: Sequence[type], *, drop_extra: bool = False) -> None:
        """Create what is missing; with ``drop_extra``, drop what is not declared.

        Args:
            entity_classes: Node and Edge classes.
            drop_extra: drop indexes on labels and types of these classes that none declares.

        Raises:
            ConstraintViolation: the data violates a constraint already.
        """
        self.ensure_entity_types(entity_classes)
        manager = IndexManager(self._adapter)
        for each in entity_classes:
            manager.create_indexes(each)
        if drop_extra:
            declared = self._declared(entity_classes, _reraise)
            for spec in self._extra(declared, self._adapter.list_indexes(), entity_classes):
                self._adapter.drop(spec)

    def _declared(
        self, entity_classes: Sequence[type], on_error: Callable[[OrmError], None]
    ) -> list[IndexSpec]:
        specs: list[IndexSpec] = []
        for each in entity_classes:
            try:
                specs += extract_declared_specs(each)
            except OrmError as error:
                on_error(error)
        return list(dict.fromkeys(specs))

    def _extra(
        self, declared: Sequence[IndexSpec], existing: Sequence[IndexSpec], entity_classes: Sequence[type]
    ) -> list[IndexSpec]:
        expected = {part for spec in declared for part in self._adapter.expand(spec)}
        names = _names(entity_classes)
        return [spec for spec in existing if spec not in expected and (spec.entity, spec.label) in names]


def _names(entity_classes: Sequence[type]) -> set[tuple[str, str]]:
    """The labels and types of the classes, those without an index too."""
    names: set[tuple[str, str]] = set()
    for each in entity_classes:
        meta = getattr(each, "_runic_meta", None)
        if meta is not None:
            edge = hasattr(meta, "type")
            names.add(("EDGE", meta.type) if edge else ("NODE", meta.primary_label))
    return names


def _reraise(error: OrmError) -> None:
    raise error
