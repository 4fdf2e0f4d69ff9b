"""Managers that bring a database's indexes in line with what the models declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runic.migrate.compare import ValidationResult, compare, declared_by, reraise, to_create
from runic.orm.driver.factory import create_driver
from runic.orm.exceptions import OrmError
from runic.orm.schema.index_manager import adapter_of

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import IndexAdapter

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
            UnsupportedByBackendError: the database has no such index or constraint.
        """
        existing = self._adapter.list_indexes() if if_not_exists else []
        for spec in to_create(entity_class, existing, self._adapter.expand):
            self._adapter.create(spec, if_not_exists=if_not_exists)

    def ensure_indexes(self, entity_class: type) -> None:
        """Create what is missing of ``entity_class``; leave what exists."""
        self.create_indexes(entity_class, if_not_exists=True)


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
        declared = declared_by(entity_classes, lambda error: errors.append(str(error)))
        try:
            existing = self._adapter.list_indexes()
        except OrmError as error:
            return ValidationResult(is_valid=False, errors=[*errors, str(error)])
        return compare(entity_classes, declared, existing, self._adapter.expand, errors)

    def sync_schema(self, entity_classes: Sequence[type], *, drop_extra: bool = False) -> None:
        """Create what is missing; with ``drop_extra``, drop what is not declared.

        Args:
            entity_classes: Node and Edge classes.
            drop_extra: drop indexes on labels and types of these classes that none declares, and make
                anew those that are there in another form than declared.

        Raises:
            ConstraintViolation: the data violates a constraint already.
            UnsupportedByBackendError: the database has no such index or constraint.
        """
        declared = declared_by(entity_classes, reraise)
        self.ensure_entity_types(entity_classes)
        if drop_extra:
            existing = self._adapter.list_indexes()
            found = compare(entity_classes, declared, existing, self._adapter.expand)
            for each in found.changed_indexes:
                self._adapter.drop(each.existing)
        manager = IndexManager(self._adapter)
        for cls in entity_classes:
            manager.create_indexes(cls)
        if drop_extra:
            # Only now: an index that has to go may be all there is until its successor is made.
            existing = self._adapter.list_indexes()
            for spec in compare(entity_classes, declared, existing, self._adapter.expand).extra_indexes:
                self._adapter.drop(spec)
