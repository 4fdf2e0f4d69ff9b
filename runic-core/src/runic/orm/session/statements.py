"""Execute statements of the query builder and give their results their shape."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.compiler import Readable, compile_execution
from runic.orm.compile.dialect import Capability
from runic.orm.compile.layout import EdgeLayout, NodeLayout
from runic.orm.compile.shape import Item, ItemKind
from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge
from runic.orm.exceptions import FieldValidationError, QueryError
from runic.orm.mapper.hydrate import edge_hydrator, node_hydrator
from runic.orm.query.paging import KeysetPage, OffsetPage, by_identity
from runic.orm.query.refine import whole
from runic.orm.query.statement import Statement
from runic.orm.query.traversal import TraversalStep
from runic.orm.session.changes import members
from runic.orm.session.raw_results import RawResults

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.dialect import Dialect
    from runic.orm.compile.shape import Compiled
    from runic.orm.query.builder import QueryBuilder
    from runic.orm.query.specialised import (
        AsyncFulltextQueryBuilder,
        AsyncQueryBuilder,
        AsyncVectorQueryBuilder,
        FulltextQueryBuilder,
        SearchSyntax,
        VectorQueryBuilder,
    )
    from runic.orm.session.async_session import AsyncSession
    from runic.orm.session.core import SessionCore
    from runic.orm.session.session import Session

__all__ = ["Statements"]


class Statements:
    """What a session does with the statements of the query builder."""

    def __init__(self, core: SessionCore) -> None:
        self.core = core
        # The entities that came into the session with the page of a stream that is being read.
        self._brought: list[Any] | None = None

    def _compiled(self, stmt: Readable, *, stream: bool = False) -> Compiled:
        dialect = self.core.dialect
        exact = False
        if not dialect.vector_fresh and isinstance(stmt, Statement) and stmt.by_vector:
            exact = self.core.uncommitted
        return compile_execution(stmt, dialect, stream=stream, exact=exact)

    # -- terminals ------------------------------------------------------------------------------

    async def scalars(self, stmt: Readable) -> list[Any]:
        """The results of a statement; a node that an optional match did not find is left out."""
        _require_statement(stmt)
        return await self._scalars(stmt)

    async def _scalars(self, stmt: Readable) -> list[Any]:
        with self.core.exclusive:
            compiled = self._compiled(stmt)
            result = await self.core.run(compiled)
            return self._rows_of(compiled, result.rows)

    def _rows_of(self, compiled: Compiled, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """One value a row, or a tuple where the statement returns several."""
        items = compiled.shape.items
        if not compiled.shape.single:
            return list(zip(*(self._values(item, rows) for item in items), strict=True))
        values = self._values(items[0], rows)
        if items[0].nullable and items[0].kind is ItemKind.NODE:
            return [value for value in values if value is not None]
        return values

    async def scalar(self, stmt: QueryBuilder[Any]) -> Any:
        """The first entity of a statement, or ``None``."""
        _require_statement(stmt)
        found = await self._scalars(stmt.limited(1))
        return found[0] if found else None

    async def all_rows(self, stmt: QueryBuilder[Any]) -> list[dict[str, Any]]:
        """A dict a row."""
        _require_statement(stmt)
        with self.core.exclusive:
            compiled = self._compiled(stmt)
            result = await self.core.run(compiled)
            names = [item.name for item in compiled.shape.items]
            columns = [self._values(item, result.rows) for item in compiled.shape.items]
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    async def all_with_edges(self, stmt: QueryBuilder[Any]) -> list[tuple[Any, ...]]:
        """A tuple a row, in the order of the returned aliases."""
        _require_statement(stmt)
        with self.core.exclusive:
            compiled = self._compiled(stmt)
            if not any(item.kind is ItemKind.EDGE for item in compiled.shape.items):
                raise QueryError(
                    "all_with_edges() needs return_nodes(...) and return_edge(...) on the statement"
                )
            result = await self.core.run(compiled)
            columns = [self._values(item, result.rows) for item in compiled.shape.items]
            return list(zip(*columns, strict=True))

    async def column(self, stmt: Readable) -> list[Any]:
        """The first value of each row."""
        _require_statement(stmt)
        with self.core.exclusive:
            compiled = self._compiled(stmt)
            return self._values(compiled.shape.items[0], (await self.core.run(compiled)).rows)

    async def scalar_value(self, stmt: QueryBuilder[Any]) -> Any:
        """The first value of the first row, or ``None``."""
        _require_statement(stmt)
        found = await self.column(stmt.limited(1))
        return found[0] if found else None

    async def count(self, stmt: QueryBuilder[Any]) -> int:
        """How many rows the statement has, without limit and skip."""
        _require_statement(stmt)
        with self.core.exclusive:
            compiled = self._compiled(stmt.counted())
            found = self._values(compiled.shape.items[0], (await self.core.run(compiled)).rows)
            return int(found[0])

    async def stream(self, stmt: QueryBuilder[Any], page: int) -> AsyncGenerator[Any]:
        """The entities of a statement, a page of them in memory at a time."""
        _require_statement(stmt)
        whole("page", page)
        if page < 1:
            raise ValueError(f"stream(page={page}): a page has at least one entity")
        core = self.core
        if Capability.STREAMING in core.dialect.capabilities:
            pages = self._server_pages(stmt, page)
        elif by_identity(stmt):
            pages = self._keyset_pages(stmt, page)
        else:
            pages = self._offset_pages(stmt, page)
        before = {id(entity) for part in core.unit.identities.values() for entity in part.values()}
        try:
            while True:
                self._brought = brought = list[Any]()
                try:
                    entities = await anext(pages, None)
                finally:
                    self._brought = None
                if entities is None:
                    return
                for entity in entities:
                    yield entity
                self._let_go([entity for entity in brought if id(entity) not in before])
        finally:
            await pages.aclose()

    async def find_all(
        self, stmt: QueryBuilder[Any], cls: type, fetch: Sequence[str] | None, skip: int, limit: int | None
    ) -> list[Any]:
        """All entities of a class, with relations or by pages."""
        if fetch and (skip or limit is not None):
            raise ValueError(
                "fetch together with skip or limit is not supported: use query() and session.load()"
            )
        if skip:
            stmt = stmt.skip(skip)
        if limit is not None:
            stmt = stmt.limit(limit)
        key = node_meta(cls).primary_key
        if key is not None and (skip or limit is not None):
            # Pages without an order may repeat and omit entities.
            stmt = stmt.order_by(key)
        found = await self.scalars(stmt)
        if fetch:
            with self.core.exclusive:
                await self.core.loader.fetch(cls, found, fetch)
        return found

    async def cypher(
        self, query: str, params: Mapping[str, Any] | None, returns: type[Any] | None, write: bool
    ) -> list[Any]:
        """Raw Cypher with typed results; see :meth:`Repository.cypher`."""
        result = await self.core.execute(query, params, write)
        with self.core.exclusive:
            return await RawResults(self.core).typed(result, returns)

    # -- pages ----------------------------------------------------------------------------------

    async def _server_pages(self, stmt: Readable, page: int) -> AsyncGenerator[list[Any]]:
        """Portions of one result, where the server gives it in portions."""
        core = self.core
        compiled = self._compiled(stmt, stream=True)
        portions = core.stream(compiled, page)
        try:
            async for portion in portions:
                yield self._rows_of(compiled, portion)
        finally:
            await portions.aclose()

    async def _keyset_pages(self, stmt: Readable, page: int) -> AsyncGenerator[list[Any]]:
        """A statement for each page, which continues after the last entity of the one before."""
        last: Any = None
        while True:
            found = await self._scalars(KeysetPage(stmt, last, page))
            if found:
                last = found[-1]._runic_state.id
                yield found
            if len(found) < page:
                return

    async def _offset_pages(self, stmt: Readable, page: int) -> AsyncGenerator[list[Any]]:
        """A statement for each page, by SKIP: for statements with an order or joins of their own."""
        skip = 0
        while True:
            with self.core.exclusive:
                compiled = compile_execution(OffsetPage(stmt, skip, page), self.core.dialect)
                rows = (await self.core.run(compiled)).rows
                found = self._rows_of(compiled, rows)
            if found:
                yield found
            if len(rows) < page:
                return
            skip += page

    def _let_go(self, entities: Sequence[Any]) -> None:
        """Entities of a page leave the session, unless they were changed or staged changes need them."""
        unit = self.core.unit
        links = unit.links
        kept = {*unit.dirty, *unit.touched, *unit.deleted}
        for link in (*links.additions.values(), *links.removals.values(), *links.parallels):
            kept.update((id(link.start), id(link.end)))
        for book in (unit.new, unit.merged, unit.dirty, unit.touched):
            for entity in book.values():
                for relation in () if isinstance(entity, Edge) else node_meta(entity.__class__).relations:
                    kept.update(id(target) for target in members(entity, relation))
        for entity in entities:
            if id(entity) not in kept and unit.has(entity):
                unit.expunge(entity)

    # -- values ---------------------------------------------------------------------------------

    def _values(self, item: Item, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """The values of one item of the result, one a row."""
        dialect = self.core.dialect
        match item.kind:
            case ItemKind.NODE | ItemKind.EDGE:
                return self._entities(item, rows, item.start)
            case ItemKind.NODES | ItemKind.EDGES:
                cells = _items_reader(dialect)
                lists = [cells(row[item.start]) or () for row in rows]
                # One hydration for all the lists of the result; then dealt out again.
                flat = [cells(each) or () for listed in lists for each in listed]
                entities = iter(self._entities(item, flat, 0))
                return [[next(entities) for _ in listed] for listed in lists]
            case ItemKind.LIST:
                cells, read = _items_reader(dialect), _value_reader(item.codec, dialect)
                return [[read(cell) for cell in cells(row[item.start]) or ()] for row in rows]
            case ItemKind.SCALAR:
                read, start = _value_reader(item.codec, dialect), item.start
                try:
                    return [read(row[start]) for row in rows]
                except (ValueError, TypeError, LookupError, ArithmeticError) as error:
                    raise FieldValidationError(
                        f"column {item.name!r}: a stored value does not fit its field ({error})"
                    ) from error

    def _entities(self, item: Item, rows: Sequence[Sequence[Any]], start: int) -> list[Any]:
        core = self.core
        layout = item.layout
        if isinstance(layout, NodeLayout):
            part = core.unit.part(node_meta(layout.meta.cls).root)
            hydrate = node_hydrator(layout, core.dialect, start)
        else:
            assert isinstance(layout, EdgeLayout)
            part = core.unit.part(layout.meta.cls)
            hydrate = edge_hydrator(layout, core.dialect, start)
        siblings: list[Any] = []
        found = hydrate(rows, part, core, siblings, core.loader.refreshed)
        if self._brought is not None:
            self._brought += siblings
        return found

    # -- builders -------------------------------------------------------------------------------

    def builder[T](self, session: Session, cls: type[T]) -> QueryBuilder[T]:
        """A builder bound to a sync session."""
        from runic.orm.query.builder import QueryBuilder

        return QueryBuilder(session, cls)

    def async_builder[T](self, session: AsyncSession, cls: type[T]) -> AsyncQueryBuilder[T]:
        """A builder bound to an async session."""
        from runic.orm.query.specialised import AsyncQueryBuilder

        return AsyncQueryBuilder(session, cls)

    def fulltext[T](
        self,
        session: Session,
        cls: type[T],
        query: str,
        fields: Sequence[str] | None,
        syntax: SearchSyntax,
    ) -> FulltextQueryBuilder[T]:
        """A fulltext search bound to a sync session."""
        from runic.orm.query.specialised import FulltextQueryBuilder

        return FulltextQueryBuilder(session, cls, query, fields, syntax)

    def async_fulltext[T](
        self,
        session: AsyncSession,
        cls: type[T],
        query: str,
        fields: Sequence[str] | None,
        syntax: SearchSyntax,
    ) -> AsyncFulltextQueryBuilder[T]:
        """A fulltext search bound to an async session."""
        from runic.orm.query.specialised import AsyncFulltextQueryBuilder

        return AsyncFulltextQueryBuilder(session, cls, query, fields, syntax)

    def vector[T](
        self, session: Session, cls: type[T], field: Any, vector: Sequence[float], k: int
    ) -> VectorQueryBuilder[T]:
        """A vector search bound to a sync session."""
        from runic.orm.query.specialised import VectorQueryBuilder

        return VectorQueryBuilder(session, cls, field, vector, k)

    def async_vector[T](
        self, session: AsyncSession, cls: type[T], field: Any, vector: Sequence[float], k: int
    ) -> AsyncVectorQueryBuilder[T]:
        """A vector search bound to an async session."""
        from runic.orm.query.specialised import AsyncVectorQueryBuilder

        return AsyncVectorQueryBuilder(session, cls, field, vector, k)


def _require_statement(stmt: object) -> None:
    if isinstance(stmt, Statement):
        return
    if isinstance(stmt, TraversalStep):
        raise TypeError(f"{stmt!r}: call .alias('name') to complete it")
    hint = ""
    if isinstance(stmt, type):
        hint = f": write select({stmt.__name__})"
    elif isinstance(stmt, str):
        hint = ": raw Cypher runs by session.execute()"
    raise TypeError(f"expected a statement made by select(), not {stmt!r}{hint}")


@lru_cache(maxsize=64)
def _items_reader(dialect: Dialect) -> Callable[[Any], Sequence[Any] | None]:
    reader: Callable[[Any], Sequence[Any] | None] = eval(f"lambda c: {dialect.items_cell.format(c='c')}")
    return reader


@lru_cache(maxsize=512)
def _value_reader(codec: Codec | None, dialect: Dialect) -> Callable[[Any], Any]:
    """Cell -> Python value."""
    if codec is None:
        return dialect.plain
    env: dict[str, Any] = {"decode": codec.decode}
    cell = codec.cell.format(c="c")
    source = cell if codec.decode is None else f"None if (v := {cell}) is None else decode(v)"
    reader: Callable[[Any], Any] = eval(f"lambda c: {source}", env)
    return reader
