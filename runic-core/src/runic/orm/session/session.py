"""The blocking session: a thin facade over the session core."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from runic.orm.session.blocking import iter_blocking, run_blocking
from runic.orm.session.core import SessionCore
from runic.orm.session.outcome import PATIENCE
from runic.orm.session.relationship_loader import RelationshipLoader
from runic.orm.session.statements import Statements

if TYPE_CHECKING:
    from types import TracebackType

    from runic.orm.driver.port import GraphDriver, QueryResult
    from runic.orm.mapper.mapper import Mapper
    from runic.orm.query.builder import QueryBuilder
    from runic.orm.query.specialised import FulltextQueryBuilder, SearchSyntax, VectorQueryBuilder
    from runic.orm.session.flush import Guarantee

__all__ = ["Session"]


class Session:
    """A unit of work: loads entities, tracks what changes, and writes it in one atomic flush.

    Leaving ``with Session(...)`` without an error commits; an error rolls back. A session belongs to
    one thread at a time; open one for each unit of work, they are cheap.

    Args:
        driver: a sync driver (:func:`~runic.orm.driver.factory.create_driver`) or a raw handle of an
            installed backend's client.
        mapper: a mapper of your own.
        autoflush: send staged changes before each read, so that reads see them.
        read_only: refuse every write, in the session and, where it can, in the server.
        log_cypher: log each statement at INFO on logger ``runic.cypher``; values are never logged.
        verifiable: let each unit leave a mark in the graph, so that :meth:`verify` can tell whether it was
            applied when its reply is lost.

    Example:
        >>> with Session(driver) as session:                                 # doctest: +SKIP
        ...     ann = session.get(Person, "ann")
        ...     ann.email = "ann@example.org"
    """

    def __init__(
        self,
        driver: GraphDriver,
        mapper: Mapper | None = None,
        *,
        autoflush: bool = True,
        read_only: bool = False,
        log_cypher: bool = False,
        verifiable: bool = False,
    ) -> None:
        self._core = SessionCore(
            driver,
            blocking=True,
            mapper=mapper,
            autoflush=autoflush,
            read_only=read_only,
            log_cypher=log_cypher,
            verifiable=verifiable,
        )
        self._statements = Statements(self._core)

    # -- staging --------------------------------------------------------------------------------

    def add(self, entity: Any) -> None:
        """Stage a new entity for creation; a detached one becomes persistent here again.

        Raises:
            DetachedEntityError: it belongs to another session.
        """
        self._core.staging.add([entity])

    def add_all(self, entities: Iterable[Any]) -> None:
        """Stage many entities."""
        self._core.staging.add_all(entities)

    def merge[T](self, entity: T) -> T:
        """Create the entity, or update the one that has its primary key.

        Returns:
            The entity that the session keeps: the given one, or the one it had already, with the
            values of the given one.
        """
        return self._core.staging.merge(entity)  # type: ignore[no-any-return]

    def delete(self, entity: Any) -> None:
        """Stage the deletion of an entity and of its relationships.

        Raises:
            DetachedEntityError: it is not known to this session.
        """
        self._core.staging.delete(entity)

    def relate(
        self,
        source: Any,
        field_name: Any,
        target: Any,
        edge: Any | None = None,
        *,
        parallel: bool = False,
    ) -> None:
        """Stage a relationship; one that exists already is updated, not doubled.

        Args:
            source: the entity that declares the relation.
            field_name: the relation, by name or as ``User.friends``.
            target: the related entity.
            edge: an instance of the relation's ``edge_model``, for the properties of the relationship.
            parallel: create a further relationship even if there is one.
        """
        self._core.relating.relate(source, field_name, target, edge, parallel=parallel)

    def unrelate(self, source: Any, field_name: Any, target: Any) -> None:
        """Stage the removal of the relationships between two entities."""
        self._core.relating.unrelate(source, field_name, target)

    # -- membership -----------------------------------------------------------------------------

    def register_or_get[T](self, entity: T) -> T:
        """The entity of this session with the same key, or the given one, now of this session."""
        return self._core.staging.register_or_get(entity)  # type: ignore[no-any-return]

    def expire(self, entity: Any) -> None:
        """Forget what an entity holds, unflushed changes included; it is read again when needed."""
        self._core.staging.expire(entity)

    def refresh(self, entity: Any) -> None:
        """Read an entity again now, and overwrite what it holds.

        Raises:
            EntityNotFoundError: it is not in the database any more.
        """
        run_blocking(self._core.refresh(entity))

    def expunge(self, entity: Any) -> None:
        """Forget an entity: it becomes detached, nothing happens in the database."""
        self._core.staging.expunge(entity)

    # -- loading --------------------------------------------------------------------------------

    def get[T](self, cls: type[T], pk: Any, fetch: Sequence[str] | None = None) -> T | None:
        """The entity with a primary key, from this session or the database; ``None`` if there is none.

        Args:
            cls: the class; an entity of a subclass comes back as that.
            pk: the primary key.
            fetch: relations to load with it: ``["friends", "friends.company"]``.
        """
        known = self._core.known(cls, pk) if fetch is None else None
        return known if known is not None else run_blocking(self._core.get(cls, pk, fetch))  # type: ignore[no-any-return]

    def get_many[T](
        self, cls: type[T], pks: Iterable[Any], fetch: Sequence[str] | None = None
    ) -> list[T | None]:
        """The entities with these primary keys, in their order, in one statement a batch."""
        return run_blocking(self._core.get_many(cls, pks, fetch))

    def load(self, entity_or_list: Any, *relations: str) -> None:
        """Load relations of one entity or of many, a statement for each relation."""
        run_blocking(self._core.load(entity_or_list, *relations))

    def load_relationship(self, entity: Any, field_name: str) -> Any:
        """Load a relation of an entity, unless it has it, and return it.

        Raises:
            MetadataError: the entity has no such relation.
            DetachedEntityError: it does not belong to this session.
        """
        return self.rel_loader.load(entity, field_name)

    # -- statements -----------------------------------------------------------------------------

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, write: bool = False
    ) -> QueryResult:
        """Run raw Cypher; no mapping.

        Args:
            cypher: the text; values belong in ``params``.
            params: values by parameter name.
            write: whether it changes the database; a read is sent as a read where servers tell them apart.
        """
        return run_blocking(self._core.execute(cypher, params, write))

    def scalars[T](self, stmt: QueryBuilder[T]) -> list[T]:
        """Execute a ``select()`` statement; return its entities."""
        return run_blocking(self._statements.scalars(stmt))

    def scalar[T](self, stmt: QueryBuilder[T]) -> T | None:
        """Execute a ``select()`` statement; return its first entity or ``None``."""
        return run_blocking(self._statements.scalar(stmt))  # type: ignore[no-any-return]

    def all_rows(self, stmt: QueryBuilder[Any]) -> list[dict[str, Any]]:
        """Execute a ``select()`` statement; return a dict a row, by column name."""
        return run_blocking(self._statements.all_rows(stmt))

    def all_with_edges(self, stmt: QueryBuilder[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement with ``return_nodes()`` and ``return_edge()``; return tuples of entities."""
        return run_blocking(self._statements.all_with_edges(stmt))

    def column(self, stmt: QueryBuilder[Any]) -> list[Any]:
        """Execute a statement; return the first value of each row."""
        return run_blocking(self._statements.column(stmt))

    def scalar_value(self, stmt: QueryBuilder[Any]) -> Any:
        """Execute a statement; return the first value of the first row, or ``None``."""
        return run_blocking(self._statements.scalar_value(stmt))

    def count(self, stmt: QueryBuilder[Any]) -> int:
        """Execute a ``select()`` statement; return how many rows it has, without limit and skip."""
        return run_blocking(self._statements.count(stmt))

    def stream[T](self, stmt: QueryBuilder[T], page: int = 1000) -> Iterator[T]:
        """Iterate over the entities of a statement in constant memory.

        Entities of a page that were not changed leave the session when the next page is read.

        Args:
            stmt: the statement.
            page: how many entities are in memory at a time.
        """
        return iter_blocking(self._statements.stream(stmt, page))

    def query[T](self, cls: type[T]) -> QueryBuilder[T]:
        """A query builder for ``cls`` that runs in this session."""
        return self._statements.builder(self, cls)

    def fulltext_search[T](
        self,
        cls: type[T],
        *,
        query: str,
        fields: Sequence[str] | None = None,
        syntax: SearchSyntax = "server",
    ) -> FulltextQueryBuilder[T]:
        """A fulltext search over the indexed text of ``cls``, best match first.

        ``query`` is in the server's query language. Text that people typed goes with ``syntax="plain"``: all
        of its words must occur, and no character in it is an operator.
        """
        return self._statements.fulltext(self, cls, query, fields, syntax)

    def vector_search[T](
        self, cls: type[T], *, field: Any, vector: Sequence[float], k: int = 10
    ) -> VectorQueryBuilder[T]:
        """The ``k`` entities whose vector is nearest to ``vector``, nearest first."""
        return self._statements.vector(self, cls, field, vector, k)

    # -- the unit of work -----------------------------------------------------------------------

    def flush(self) -> None:
        """Send everything that is staged, as one atomic unit.

        Raises:
            ConstraintViolation, StaleObjectError: with the object named; nothing of it was written.
        """
        run_blocking(self._core.flush())

    def commit(self) -> None:
        """Flush, and make what was flushed durable."""
        run_blocking(self._core.commit())

    def verify(self, patience: float = PATIENCE) -> bool:
        """Whether the last commit was applied, when its reply was lost; needs ``verifiable=True``.

        Afterwards memory is what the commit leaves, or everything is staged again for another ``commit()``.
        What is known is not asked for again: ``True`` after a commit, ``False`` after one that failed.

        Args:
            patience: for how many seconds to ask, while the server is away or the unit still runs there.

        Raises:
            ConnectionLostError, TransientConflictError, QueryTimeout: it is not known yet; ask again.
            QueryError: this session cannot tell, or there was no commit.

        Example:
            >>> try:                                                             # doctest: +SKIP
            ...     session.commit()
            ... except ConnectionLostError:
            ...     if not session.verify():
            ...         session.commit()
        """
        return run_blocking(self._core.verify(patience))

    def rollback(self) -> None:
        """Take back everything since the last commit, in the database where it can, and in memory."""
        run_blocking(self._core.rollback())

    @contextmanager
    def transaction(self) -> Generator[None]:
        """A block whose changes are flushed together, or taken back without touching those before it.

        Where the database has savepoints it is one: what was flushed and sent in the block is taken back with
        it, and an error of the server costs no more than the block. Elsewhere what you flush and send in it
        yourself stays when it fails, and after an error of the server it can only be left.

        Example:
            >>> try:                                                             # doctest: +SKIP
            ...     with session.transaction():
            ...         session.add(account)
            ... except ConstraintViolation:
            ...     print("there is one already")
        """
        run_blocking(self._core.enter_block())
        try:
            yield
        except BaseException:
            run_blocking(self._core.leave_block(failed=True))
            raise
        run_blocking(self._core.leave_block(failed=False))

    def close(self) -> None:
        """Roll back what is open, give the connection back, and detach every entity."""
        run_blocking(self._core.close())

    @property
    def guarantee(self) -> Guarantee:
        """What the last commit promised: ``"transaction"``, ``"single query"`` or ``"several queries"``."""
        return self._core.guarantee

    @property
    def mapper(self) -> Mapper:
        """The mapper of this session."""
        return self._core.mapper

    @property
    def rel_loader(self) -> RelationshipLoader:
        """Loads relations by name."""
        return RelationshipLoader(self._core)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        run_blocking(self._core.leave(error))
