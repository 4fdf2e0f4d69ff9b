"""Indexes and constraints of a graph, as PostgreSQL's own.

A label is a table whose column ``properties`` holds an agtype map, so indexes are over expressions:
the value of one property. Each has a comment that says what it was made for, by which it is listed.
Everything is transactional, and ready when the method returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import edge_meta, metadata, node_meta
from runic.orm.core.modelmeta import EdgeMeta
from runic.orm.driver.port import Store
from runic.orm.exceptions import (
    ConstraintViolation,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec

from .driver import AGEDriver
from .search import function_name
from .sql import identifier, literal

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["AGEIndexAdapter"]

_OPERATORS = {"cosine": ("<=>", "vector_cosine_ops"), "euclidean": ("<->", "vector_l2_ops")}
_MARK = "runic "
_SHOWN = 5
_PROPERTY = re.compile(
    r"agtype_access_operator\(VARIADIC ARRAY\[properties, '\"([^\"']+)\"'::(?:ag_catalog\.)?agtype\]\)"
)


class AGEIndexAdapter:
    """The index adapter of a graph; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    Indexes and unique constraints are those of one table: the label of a subclass has its own, which the
    subclass declares as well. A fulltext index is one per property.

    Args:
        handle: a driver.

    Example:
        >>> adapter = AGEIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, handle: Any) -> None:
        if not isinstance(handle, AGEDriver):
            raise TypeError(f"expected an AGEDriver, not {type(handle).__name__}")
        self._driver = handle

    @property
    def driver(self) -> AGEDriver:
        """The driver."""
        return self._driver

    # -- creating -------------------------------------------------------------------------------

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a btree index over one property, or over several together."""
        spec = _spec(label, properties, "RANGE", entity)
        values = ", ".join(f"({_value(name)})" for name in spec.properties)
        self._make(spec, if_not_exists, [f"CREATE INDEX {{name}} ON {{table}} ({values})"])

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a unique index; 1 and 1.0 are one value to it.

        Raises:
            ConstraintViolation: there are duplicates; the message shows some. Nothing is left behind.
        """
        spec = _spec(label, properties, "UNIQUE", entity)
        values = ", ".join(f"({_value(name)})" for name in spec.properties)
        self._make(spec, if_not_exists, [f"CREATE UNIQUE INDEX {{name}} ON {{table}} ({values})"])

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a check that the properties are there.

        Raises:
            ConstraintViolation: there are entities without them.
        """
        spec = _spec(label, properties, "MANDATORY", entity)
        present = " AND ".join(f"{_value(name)} IS NOT NULL" for name in spec.properties)
        # Not inherited: a label whose table inherits would need the check beforehand.
        self._make(
            spec,
            if_not_exists,
            [f"ALTER TABLE {{table}} ADD CONSTRAINT {{name}} CHECK ({present}) NO INHERIT"],
        )

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """Create a GIN index over the words of each property.

        Args:
            label: label of the nodes, or type of the edges.
            *properties: the properties; each gets an index of its own.
            entity: nodes or edges.
            if_not_exists: leave those that are indexed already.
            language: a text search configuration of the database, ``"english"`` by default.
            stopwords: not here: they belong to the configuration.

        Raises:
            UnsupportedByBackendError: for ``stopwords``.
            MetadataError: the database has no such configuration.
        """
        if stopwords is not None:
            raise UnsupportedByBackendError(
                "age", "stopwords of an index", "make a text search configuration, and name it as language"
            )
        config = self._configuration(language or "english")
        for name in _spec(label, properties, "FULLTEXT", entity).properties:
            spec = IndexSpec(label, name, "FULLTEXT", entity, options={"language": language or "english"})
            words = f"pg_catalog.to_tsvector({config}, {{doc}}::text)"
            query = f"pg_catalog.websearch_to_tsquery({config}, query::text)"
            doc, indexed = words.format(doc="doc"), words.format(doc=f"({_value(name)})")
            # Of a word that says nothing (the, of) no query is left; then it is in every text.
            word = f"coalesce(nullif({query}, ''::pg_catalog.tsquery), '!runic'::pg_catalog.tsquery)"
            rank = f"pg_catalog.ts_rank({doc}, {query})"
            self._make(
                spec,
                if_not_exists,
                [
                    self._function("matches", spec, "doc", "query", "boolean", f"{doc} @@ {query}"),
                    self._function("has", spec, "doc", "query", "boolean", f"{doc} @@ {word}"),
                    self._function("rank", spec, "doc", "query", "float8", rank),
                    f"CREATE INDEX {{name}} ON {{table}} USING gin (({indexed}))",
                ],
            )

    def create_vector_index(
        self,
        label: str,
        name: str,
        *,
        dimension: int | None = None,
        similarity: str | None = None,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        **options: Any,
    ) -> None:
        """Create an HNSW index of pgvector.

        Args:
            label: label of the nodes, or type of the edges.
            name: the property that holds the vectors.
            dimension: how many numbers a vector has; needed.
            similarity: ``"cosine"`` (default) or ``"euclidean"``.
            entity: nodes or edges.
            if_not_exists: leave an existing one.
            **options: ``m`` and ``ef_construction`` of the HNSW graph; ``M`` and ``efConstruction`` will do.

        Raises:
            UnsupportedByBackendError: the database has no pgvector.
            MetadataError: no dimension, or an unknown similarity or option.
        """
        if dimension is None:
            raise MetadataError(
                f"a vector index on {label}.{name} needs its dimension: Field(index_type='VECTOR',"
                " dimension=384)"
            )
        similarity = similarity or "cosine"
        if similarity not in _OPERATORS:
            raise MetadataError(f"similarity is one of {', '.join(_OPERATORS)}, not {similarity!r}")
        settings = [f"{_setting(option)} = {_whole(option, value)}" for option, value in options.items()]
        schema = self._vector_schema()
        operator, family = _OPERATORS[similarity]
        type_ = f"{schema}.vector({_whole('dimension', dimension)})"
        spec = IndexSpec(
            label, name, "VECTOR", entity, options={"dimension": dimension, "similarity": similarity}
        )
        body = f"(a::text::{type_}) OPERATOR({schema}.{operator}) (b::text::{type_})"
        over = f"((({_value(name)})::text::{type_}) {schema}.{family})"
        if settings:
            over += f" WITH ({', '.join(settings)})"
        self._make(
            spec,
            if_not_exists,
            [
                self._function("distance", spec, "a", "b", "float8", body),
                f"CREATE INDEX {{name}} ON {{table}} USING hnsw {over}",
            ],
        )

    def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """Create what ``spec`` describes."""
        make: dict[str, Callable[..., None]] = {
            "RANGE": self.create_range_index,
            "UNIQUE": self.create_unique_constraint,
            "MANDATORY": self.create_mandatory_constraint,
            "FULLTEXT": self.create_fulltext_index,
            "VECTOR": self.create_vector_index,
        }
        if spec.index_type not in make:
            raise MetadataError(f"unknown index type {spec.index_type!r}: one of {', '.join(make)}")
        options = {name: value for name, value in spec.options.items() if value is not None}
        make[spec.index_type](
            spec.label, *spec.properties, entity=spec.entity, if_not_exists=if_not_exists, **options
        )

    # -- dropping and listing -------------------------------------------------------------------

    def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """Drop what ``spec`` describes.

        Raises:
            ServerError: it does not exist, and ``if_exists`` is false.
        """
        graph = identifier(self._driver.graph_name)
        existing = dict(self._existing())
        for each in self.expand(spec):
            name = existing.get(each)
            if name is None:
                if if_exists:
                    continue
                raise ServerError(f"there is no {each} in the graph", backend="age")
            if each.index_type == "MANDATORY":
                statements = [f"ALTER TABLE {self._table(each)} DROP CONSTRAINT {identifier(name)}"]
            else:
                statements = [f"DROP INDEX {graph}.{identifier(name)}"]
            kinds = {"FULLTEXT": ("matches", "has", "rank"), "VECTOR": ("distance",)}.get(each.index_type, ())
            for kind in kinds:
                function = function_name(kind, each.label, each.property)
                statements.append(
                    f"DROP FUNCTION IF EXISTS {graph}.{identifier(function)}"
                    "(ag_catalog.agtype, ag_catalog.agtype)"
                )
            self._driver.run_sql(statements)

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints but those that AGE makes itself, whoever made them."""
        return [spec for spec, _ in self._existing()]

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as :meth:`list_indexes` shows it: a fulltext index per property."""
        if spec.index_type != "FULLTEXT" or len(spec.properties) == 1:
            return (spec,)
        return tuple(
            IndexSpec(spec.label, name, spec.index_type, spec.entity, options=spec.options)
            for name in spec.properties
        )

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """Create the labels and types of these classes, with the tables that they inherit from."""
        stores: list[Store] = []
        for cls in entity_classes:
            if isinstance(getattr(cls, "_runic_meta", None), EdgeMeta):
                stores.append(Store(edge_meta(cls).type, edge=True))
            else:
                stores += [Store(name, bases=bases) for name, bases in node_meta(cls).lineage]
        self._driver.ensure_labels(list(dict.fromkeys(stores)))

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    # -- how ------------------------------------------------------------------------------------

    def _make(self, spec: IndexSpec, if_not_exists: bool, statements: list[str]) -> None:
        identifier(spec.label)  # refuses what PostgreSQL would cut off
        if spec in self.list_indexes():
            if if_not_exists:
                return
            raise ServerError(f"{spec} already exists", backend="age")
        self._ensure_label(spec)
        name, table = identifier(_index_name(spec)), self._table(spec)
        told = {"type": spec.index_type, "properties": spec.properties, **spec.options}
        comment = (_MARK + json.dumps(told)).replace("'", "''")
        where = f"INDEX {identifier(self._driver.graph_name)}.{name}"
        if spec.index_type == "MANDATORY":
            where = f"CONSTRAINT {name} ON {table}"
        texts = [text.replace("{name}", name).replace("{table}", table) for text in statements]
        try:
            self._driver.run_sql([*texts, f"COMMENT ON {where} IS '{comment}'"])
        except ConstraintViolation as error:
            raise ConstraintViolation(
                f"the {spec} is violated already: {self._violations(spec)}", backend="age"
            ) from error

    def _ensure_label(self, spec: IndexSpec) -> None:
        if spec.entity == "EDGE":
            self._driver.ensure_labels([Store(spec.label, edge=True)])
            return
        meta = metadata.node_by_label(spec.label)
        lineage = meta.lineage if meta is not None else ()
        stores = [Store(name, bases=bases) for name, bases in lineage]
        if all(store.name != spec.label for store in stores):
            stores.append(Store(spec.label))
        self._driver.ensure_labels(stores)

    def _table(self, spec: IndexSpec) -> str:
        return f"{identifier(self._driver.graph_name)}.{identifier(spec.label)}"

    def _function(self, kind: str, spec: IndexSpec, first: str, second: str, returns: str, body: str) -> str:
        """A function that the planner inlines: one expression, with every name qualified."""
        name = identifier(function_name(kind, spec.label, spec.property))
        agtype = "ag_catalog.agtype"
        return (
            f"CREATE OR REPLACE FUNCTION {identifier(self._driver.graph_name)}.{name}"
            f"({first} {agtype}, {second} {agtype}) RETURNS {returns}"
            f" LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT {body} $body$"
        )

    def _configuration(self, language: str) -> str:
        rows = (
            self._driver.sql("SELECT $1::text::regconfig::oid", language) if language.isidentifier() else []
        )
        if not rows:
            raise MetadataError(f"{language!r} is no text search configuration")
        return f"'{language}'::regconfig"

    def _vector_schema(self) -> str:
        rows = self._driver.sql(
            "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'vector'"
        )
        if not rows:
            raise UnsupportedByBackendError(
                "age",
                "vector indexes without pgvector",
                "install it (postgresql-18-pgvector, or the like) and run CREATE EXTENSION vector",
            )
        return identifier(rows[0][0])

    def _existing(self) -> list[tuple[IndexSpec, str]]:
        """Every index and check with its name."""
        found: list[tuple[IndexSpec, str]] = []
        rows = self._driver.sql(_LISTING, self._driver.graph_name)
        for label, kind, name, unique, method, definition, comment in rows:
            entity: EntityKind = "EDGE" if kind == "e" else "NODE"
            if comment and comment.startswith(_MARK):
                told: dict[str, Any] = json.loads(comment.removeprefix(_MARK))
                type_, properties = told.pop("type"), tuple(told.pop("properties"))
                spec = IndexSpec(label, properties[0], type_, entity, properties, MappingProxyType(told))
                found.append((spec, name))
                continue
            names = tuple(_PROPERTY.findall(definition))
            if not names:
                continue  # AGE's own, over ids
            if method == "check":
                type_ = "MANDATORY"
            elif method == "btree":
                type_ = "UNIQUE" if unique else "RANGE"
            else:
                continue
            found.append((IndexSpec(label, names[0], type_, entity, names), name))
        return found

    def _violations(self, spec: IndexSpec) -> str:
        table = self._table(spec)
        if spec.index_type == "MANDATORY":
            missing = " OR ".join(f"{_value(name)} IS NULL" for name in spec.properties)
            query = f"SELECT count(*) FROM ONLY {table} WHERE {missing}"  # noqa: S608  # names are validated
            count = self._driver.sql(query)[0][0]
            return f"{count} without a value"
        values = ", ".join(f"ag_catalog.agtype_out({_value(name)})::text" for name in spec.properties)
        present = " AND ".join(f"{_value(name)} IS NOT NULL" for name in spec.properties)
        groups = ", ".join(str(number + 1) for number in range(len(spec.properties)))
        source = f"{table} WHERE {present}"
        query = f"SELECT {values}, count(*) FROM ONLY {source} GROUP BY {groups}"  # noqa: S608
        rows = self._driver.sql(f"{query} HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT {_SHOWN}")
        return ", ".join(f"{', '.join(row[:-1])} x {row[-1]}" for row in rows) or "duplicates"


_LISTING = """
SELECT l.name::text, l.kind::text, i.relname::text, x.indisunique, m.amname::text,
       pg_get_indexdef(x.indexrelid), obj_description(x.indexrelid, 'pg_class')
  FROM ag_catalog.ag_label l
  JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
  JOIN pg_index x ON x.indrelid = l.relation
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_am m ON m.oid = i.relam
 WHERE g.name = $1
UNION ALL
SELECT l.name::text, l.kind::text, c.conname::text, false, 'check',
       pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
  FROM ag_catalog.ag_label l
  JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
  JOIN pg_constraint c ON c.conrelid = l.relation AND c.contype = 'c'
 WHERE g.name = $1
 ORDER BY 1, 3
"""


def _spec(label: str, properties: tuple[str, ...], kind: str, entity: EntityKind) -> IndexSpec:
    if not properties or len(set(properties)) != len(properties):
        raise MetadataError(f"an index takes one or more different properties, not {properties!r}")
    return IndexSpec(label, properties[0], kind, entity, properties)


def _value(name: str) -> str:
    """The SQL expression of one property, as Cypher's ``n.name`` becomes one."""
    if '"' in name or "\\" in name or "'" in name:
        raise MetadataError(f"{name!r} cannot be indexed")
    identifier(name)
    return (
        "ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties,"
        f" {literal(f'"{name}"')}::ag_catalog.agtype])"
    )


def _index_name(spec: IndexSpec) -> str:
    digest = blake2b(
        json.dumps([spec.label, spec.index_type, spec.properties]).encode(), digest_size=5
    ).hexdigest()
    return f"runic_{spec.index_type.lower()}_{spec.label[:20]}_{spec.property[:15]}_{digest}"[:63]


def _setting(option: str) -> str:
    known = {"m": "m", "M": "m", "ef_construction": "ef_construction", "efConstruction": "ef_construction"}
    if option not in known:
        raise MetadataError(f"vector indexes take m and ef_construction, not {option!r}")
    return known[option]


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value
