"""How Apache AGE lists, makes and removes indexes and constraints: as PostgreSQL's own.

A label is a table whose column ``properties`` holds an agtype map, so indexes are over expressions:
the value of one property. Each has a comment that says what it was made for, by which it is listed.
Everything is transactional, and ready when the method returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.core.metadata import edge_meta, metadata, node_meta
from runic.orm.core.modelmeta import EdgeMeta
from runic.orm.driver.port import Store
from runic.orm.exceptions import (
    ConstraintViolation,
    MetadataError,
    ServerError,
    TransientConflictError,
    UnsupportedByBackendError,
)
from runic.orm.schema.engine import SHOWN, Existing, SchemaEngine
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import fulltext_options, vector_options, whole

from .labels import LABELS
from .search import function_name
from .sql import identifier, literal

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from .driver import AGEDriver, AsyncAGEDriver
    from .port import AGEPort

__all__ = ["AGESchema"]

_OPERATORS = {"cosine": ("<=>", "vector_cosine_ops"), "euclidean": ("<->", "vector_l2_ops")}
_VECTOR_OPTIONS = {
    "m": "m",
    "ef_construction": "ef_construction",
    "M": "m",
    "efConstruction": "ef_construction",
}
_FUNCTIONS = {"FULLTEXT": ("matches", "has", "rank"), "VECTOR": ("distance",)}
_MARK = "runic "
_PROPERTY = re.compile(
    r"agtype_access_operator\(VARIADIC ARRAY\[properties, '\"([^\"']+)\"'::(?:ag_catalog\.)?agtype\]\)"
)


class AGESchema(SchemaEngine):
    """The schema of a graph. Indexes are those of one table: the label of a subclass has its own."""

    split: ClassVar[frozenset[str]] = frozenset({"FULLTEXT"})
    _driver: AGEDriver | AsyncAGEDriver

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse names and options that cannot be."""
        for name in spec.properties:
            _value(name)
        if spec.index_type == "VECTOR":
            for option, value in vector_options(spec, known=_VECTOR_OPTIONS)[2].items():
                whole(option, value)
        elif spec.index_type == "FULLTEXT" and fulltext_options(spec)[1] is not None:
            raise UnsupportedByBackendError(
                self.name,
                "stopwords of an index",
                "make a text search configuration, and name it as language",
            )
        return spec

    async def existing(self) -> list[Existing]:
        """Every index and check but those that AGE makes itself."""
        found: list[Existing] = []
        for label, kind, name, unique, method, definition, comment in await self._sql(
            _LISTING, self._driver.graph_name
        ):
            entity: EntityKind = "EDGE" if kind == "e" else "NODE"
            if comment and comment.startswith(_MARK):
                told: dict[str, Any] = json.loads(comment.removeprefix(_MARK))
                type_, properties = told.pop("type"), tuple(told.pop("properties"))
                spec = IndexSpec(label, properties[0], type_, entity, properties, MappingProxyType(told))
                found.append(Existing(spec, name))
                continue
            names = tuple(_PROPERTY.findall(definition))
            if names and method in ("check", "btree"):  # others are AGE's own, over ids
                type_ = "MANDATORY" if method == "check" else "UNIQUE" if unique else "RANGE"
                found.append(Existing(IndexSpec(label, names[0], type_, entity, names), name))
        return found

    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create it in one transaction.

        Raises:
            ConstraintViolation: stored data violates it.
            UnsupportedByBackendError: the database has no pgvector.
            MetadataError: the database has no such text search configuration.
        """
        del present
        await self._ensure_label(spec)
        statements: list[str] = []
        for part in self.expand(spec):
            statements += await self._statements(part)
        try:
            await self._together(statements)
        except ConstraintViolation as error:
            found = await self.violations(spec)
            if not found:  # a name that somebody else took at the same time is a violation too
                raise
            raise self.violated(spec, found, error.statement) from error
        except TransientConflictError as error:
            # As a conflict it would be tried again; a name that is taken stays so.
            if "already exists" not in str(error):
                raise
            raise ServerError(f"{spec}: {error}", backend=self.name, statement=error.statement) from error

    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop it in one transaction, with the functions of a search."""
        del spec  # nothing here holds more than was asked for
        graph = identifier(self._driver.graph_name)
        statements: list[str] = []
        for each in found:
            if each.spec.index_type == "MANDATORY":
                statements.append(
                    f"ALTER TABLE {self._table(each.spec)} DROP CONSTRAINT {identifier(each.name)}"
                )
            else:
                statements.append(f"DROP INDEX {graph}.{identifier(each.name)}")
            statements += [
                f"DROP FUNCTION IF EXISTS {graph}."
                f"{identifier(function_name(kind, each.spec.label, each.spec.property))}"
                "(ag_catalog.agtype, ag_catalog.agtype)"
                for kind in _FUNCTIONS.get(each.spec.index_type, ())
            ]
        await self._together(statements)

    async def ensure_types(self, entity_classes: Sequence[type]) -> None:
        """Create the labels and types of these classes, with the tables that they inherit from."""
        stores: list[Store] = []
        for cls in entity_classes:
            if isinstance(getattr(cls, "_runic_meta", None), EdgeMeta):
                stores.append(Store(edge_meta(cls).type, edge=True))
            else:
                stores += [Store(name, bases=bases) for name, bases in node_meta(cls).lineage]
        await self._ensure(list(dict.fromkeys(stores)))

    async def violations(self, spec: IndexSpec) -> str:
        """What stands in the way of a constraint; those of one table only."""
        table = self._table(spec)
        if spec.index_type == "MANDATORY":
            missing = " OR ".join(f"{_value(name)} IS NULL" for name in spec.properties)
            query = f"SELECT count(*) FROM ONLY {table} WHERE {missing}"  # noqa: S608  # names are validated
            count = (await self._sql(query))[0][0]
            return f"{count} without a value" if count else ""
        values = ", ".join(f"ag_catalog.agtype_out({_value(name)})::text" for name in spec.properties)
        present = " AND ".join(f"{_value(name)} IS NOT NULL" for name in spec.properties)
        groups = ", ".join(str(number + 1) for number in range(len(spec.properties)))
        source = f"{table} WHERE {present}"
        query = f"SELECT {values}, count(*) FROM ONLY {source} GROUP BY {groups}"  # noqa: S608
        rows = await self._sql(f"{query} HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT {SHOWN}")
        return ", ".join(f"{', '.join(row[:-1])} x {row[-1]}" for row in rows)

    # -- statements -----------------------------------------------------------------------------

    async def _statements(self, spec: IndexSpec) -> list[str]:
        """What makes one index, and says in a comment what it was made for."""
        values = ", ".join(f"({_value(name)})" for name in spec.properties)
        name, table = identifier(_index_name(spec)), self._table(spec)
        where = f"INDEX {identifier(self._driver.graph_name)}.{name}"
        told: dict[str, Any] = dict(spec.options)
        match spec.index_type:
            case "UNIQUE":
                statements = [f"CREATE UNIQUE INDEX {name} ON {table} ({values})"]
            case "MANDATORY":
                present = " AND ".join(f"{_value(each)} IS NOT NULL" for each in spec.properties)
                # Not inherited: a label whose table inherits would need the check beforehand.
                statements = [f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({present}) NO INHERIT"]
                where = f"CONSTRAINT {name} ON {table}"
            case "FULLTEXT":
                told, functions, over = await self._fulltext(spec)
                statements = [*functions, f"CREATE INDEX {name} ON {table} USING gin {over}"]
            case "VECTOR":
                told, functions, over = await self._vector(spec)
                statements = [*functions, f"CREATE INDEX {name} ON {table} USING hnsw {over}"]
            case _:
                statements = [f"CREATE INDEX {name} ON {table} ({values})"]
        told = {"type": spec.index_type, "properties": spec.properties, **told}
        comment = (_MARK + json.dumps(told)).replace("'", "''")
        return [*statements, f"COMMENT ON {where} IS '{comment}'"]

    async def _fulltext(self, spec: IndexSpec) -> tuple[dict[str, Any], list[str], str]:
        """The options to keep, the functions of searches, and what the index is over."""
        language = fulltext_options(spec)[0] or "english"
        known = language.isidentifier() and await self._sql("SELECT $1::text::regconfig::oid", language)
        if not known:
            raise MetadataError(f"{language!r} is no text search configuration")
        words = f"pg_catalog.to_tsvector('{language}'::regconfig, {{doc}}::text)"
        query = f"pg_catalog.websearch_to_tsquery('{language}'::regconfig, query::text)"
        doc, indexed = words.format(doc="doc"), words.format(doc=f"({_value(spec.property)})")
        # Of a word that says nothing (the, of) no query is left; then it is in every text.
        word = f"coalesce(nullif({query}, ''::pg_catalog.tsquery), '!runic'::pg_catalog.tsquery)"
        rank = f"pg_catalog.ts_rank({doc}, {query})"
        functions = [
            self._function("matches", spec, "doc", "query", "boolean", f"{doc} @@ {query}"),
            self._function("has", spec, "doc", "query", "boolean", f"{doc} @@ {word}"),
            self._function("rank", spec, "doc", "query", "float8", rank),
        ]
        return {"language": language}, functions, f"(({indexed}))"

    async def _vector(self, spec: IndexSpec) -> tuple[dict[str, Any], list[str], str]:
        """The options to keep, the function of searches, and what the index is over."""
        dimension, similarity, options = vector_options(spec, known=_VECTOR_OPTIONS)
        settings = [f"{_VECTOR_OPTIONS[name]} = {whole(name, value)}" for name, value in options.items()]
        schema = await self._vector_schema()
        operator, family = _OPERATORS[similarity]
        type_ = f"{schema}.vector({dimension})"
        # Not agtype's own cast to text, which takes no lists before 1.8 (1.5).
        values = ("a", "b", _value(spec.property))
        a, b, stored = [f"(ag_catalog.agtype_out({each})::text::{type_})" for each in values]
        body = f"{a} OPERATOR({schema}.{operator}) {b}"
        over = f"({stored} {schema}.{family})"
        if settings:
            over += f" WITH ({', '.join(settings)})"
        function = self._function("distance", spec, "a", "b", "float8", body)
        return {**options, "dimension": dimension, "similarity": similarity}, [function], over

    def _function(self, kind: str, spec: IndexSpec, first: str, second: str, returns: str, body: str) -> str:
        """A function that the planner inlines: one expression, with every name qualified."""
        name = identifier(function_name(kind, spec.label, spec.property))
        agtype = "ag_catalog.agtype"
        return (
            f"CREATE OR REPLACE FUNCTION {identifier(self._driver.graph_name)}.{name}"
            f"({first} {agtype}, {second} {agtype}) RETURNS {returns}"
            f" LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT {body} $body$"
        )

    async def _vector_schema(self) -> str:
        rows = await self._sql(
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

    # -- how ------------------------------------------------------------------------------------

    async def _ensure_label(self, spec: IndexSpec) -> None:
        if spec.entity == "EDGE":
            await self._ensure([Store(spec.label, edge=True)])
            return
        meta = metadata.node_by_label(spec.label)
        lineage = meta.lineage if meta is not None else ()
        stores = [Store(name, bases=bases) for name, bases in lineage]
        if all(store.name != spec.label for store in stores):
            stores.append(Store(spec.label))
        await self._ensure(stores)

    def _table(self, spec: IndexSpec) -> str:
        return f"{identifier(self._driver.graph_name)}.{identifier(spec.label)}"

    async def _sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def work(port: AGEPort) -> list[tuple[Any, ...]]:
            return await port.sql(text, parameters)

        return await self.on_port(work)

    async def _together(self, statements: Sequence[str]) -> None:
        async def work(port: AGEPort) -> None:
            await port.begin()
            for text in statements:
                await port.sql(text)
            await port.commit()

        await self.on_port(work)

    async def _ensure(self, stores: Sequence[Store]) -> None:
        async def work(port: AGEPort) -> None:
            await port.ensure(stores)

        await self.on_port(work)


_LISTING = f"""
WITH l AS ({LABELS})
SELECT l.name::text, l.kind, i.relname::text, x.indisunique, m.amname::text,
       pg_get_indexdef(x.indexrelid), obj_description(x.indexrelid, 'pg_class')
  FROM l
  JOIN pg_index x ON x.indrelid = l.relation
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_am m ON m.oid = i.relam
UNION ALL
SELECT l.name::text, l.kind, c.conname::text, false, 'check',
       pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
  FROM l
  JOIN pg_constraint c ON c.conrelid = l.relation AND c.contype = 'c'
 ORDER BY 1, 3
"""  # noqa: S608


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
