"""Builders for async sessions, and for fulltext and vector search."""

# What executes is awaited in an async builder, on purpose.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from runic.orm.core.kinds import Kind
from runic.orm.core.mapped import Attr
from runic.orm.exceptions import QueryError, ValueNotStorableError
from runic.orm.query.builder import QueryBuilder
from runic.orm.query.scope import field_of
from runic.orm.query.words import words_of

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.query.builder import Column
    from runic.orm.query.expressions import AggExpr
    from runic.orm.query.normal import Key
    from runic.orm.query.traversal import TraversalStep

__all__ = [
    "AsyncFulltextQueryBuilder",
    "AsyncQueryBuilder",
    "AsyncVectorQueryBuilder",
    "FulltextQueryBuilder",
    "SearchSyntax",
    "VectorQueryBuilder",
]

type SearchSyntax = Literal["server", "plain"]
"""What the text of a fulltext search is: a query in the server's language, or words."""


class AsyncQueryBuilder[T](QueryBuilder[T]):
    """A :class:`QueryBuilder` bound to an async session: the same, but what executes is awaited.

    Example::

        async with AsyncSession(driver) as session:
            users = await session.query(User).where(User.active == True).order_by(User.name).limit(50).all()
    """

    __slots__ = ()

    if TYPE_CHECKING:
        # What changes the type of a result keeps the builder async.
        @overload
        def traverse[R](
            self,
            relation_field: Attr[list[R]],
            *,
            edge_alias: str | None = None,
            optional: bool = True,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def traverse[R](
            self,
            relation_field: Attr[R | None],
            *,
            edge_alias: str | None = None,
            optional: bool = True,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def traverse[R](
            self,
            relation_field: list[R],
            *,
            edge_alias: str | None = None,
            optional: bool = True,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def traverse[R](
            self,
            relation_field: R | None,
            *,
            edge_alias: str | None = None,
            optional: bool = True,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        def traverse(self, relation_field: Any, **options: Any) -> TraversalStep[Any]: ...  # noqa: D102

        @overload
        def repeat[R](
            self,
            relation_field: Attr[list[R]],
            *,
            min_hops: int = 1,
            max_hops: int | None = None,
            optional: bool = False,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def repeat[R](
            self,
            relation_field: Attr[R | None],
            *,
            min_hops: int = 1,
            max_hops: int | None = None,
            optional: bool = False,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def repeat[R](
            self,
            relation_field: list[R],
            *,
            min_hops: int = 1,
            max_hops: int | None = None,
            optional: bool = False,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        @overload
        def repeat[R](
            self,
            relation_field: R | None,
            *,
            min_hops: int = 1,
            max_hops: int | None = None,
            optional: bool = False,
            on: str | None = None,
        ) -> TraversalStep[AsyncQueryBuilder[R]]: ...
        def repeat(self, relation_field: Any, **options: Any) -> TraversalStep[Any]: ...  # noqa: D102

        @overload
        def project[A](self, a: Column[A], /) -> AsyncQueryBuilder[A]: ...
        @overload
        def project[A, B](self, a: Column[A], b: Column[B], /) -> AsyncQueryBuilder[tuple[A, B]]: ...
        @overload
        def project[A, B, C](
            self, a: Column[A], b: Column[B], c: Column[C], /
        ) -> AsyncQueryBuilder[tuple[A, B, C]]: ...
        @overload
        def project[A, B, C, D](
            self, a: Column[A], b: Column[B], c: Column[C], d: Column[D], /
        ) -> AsyncQueryBuilder[tuple[A, B, C, D]]: ...
        @overload
        def project(self, *fields: Any) -> AsyncQueryBuilder[Any]: ...
        def project(self, *fields: Any) -> AsyncQueryBuilder[Any]: ...  # noqa: D102

        @overload
        def aggregate[A](self, a: AggExpr[A], /) -> AsyncQueryBuilder[A]: ...
        @overload
        def aggregate[A, B](self, a: AggExpr[A], b: AggExpr[B], /) -> AsyncQueryBuilder[tuple[A, B]]: ...
        @overload
        def aggregate[A, B, C](
            self, a: AggExpr[A], b: AggExpr[B], c: AggExpr[C], /
        ) -> AsyncQueryBuilder[tuple[A, B, C]]: ...
        @overload
        def aggregate(self, *agg_exprs: AggExpr[Any], group_by: Any = None) -> AsyncQueryBuilder[Any]: ...
        def aggregate(self, *agg_exprs: AggExpr[Any], group_by: Any = None) -> AsyncQueryBuilder[Any]: ...  # noqa: D102

        def return_target(self, alias: str) -> AsyncQueryBuilder[Any]: ...  # noqa: D102
        def return_nodes(self, *aliases: str) -> AsyncQueryBuilder[Any]: ...  # noqa: D102
        def return_edge(self, alias: str) -> AsyncQueryBuilder[Any]: ...  # noqa: D102

    async def all(self) -> list[T]:  # type: ignore[override]
        """Execute, and return every result; see :meth:`QueryBuilder.all`."""
        found: list[T] = await self._bound("all", "await session.scalars(stmt)").scalars(self)
        return found

    async def one(self) -> T | None:  # type: ignore[override]
        """Execute with LIMIT 1; see :meth:`QueryBuilder.one`."""
        found: T | None = await self._bound("one", "await session.scalar(stmt)").scalar(self)
        return found

    async def all_rows(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Execute, and return a dict for each row; see :meth:`QueryBuilder.all_rows`."""
        session = self._bound("all_rows", "await session.all_rows(stmt)")
        found: list[dict[str, Any]] = await session.all_rows(self)
        return found

    async def all_with_edges(self) -> list[tuple[Any, ...]]:  # type: ignore[override]
        """Execute, and return tuples with edges; see :meth:`QueryBuilder.all_with_edges`."""
        session = self._bound("all_with_edges", "await session.all_with_edges(stmt)")
        found: list[tuple[Any, ...]] = await session.all_with_edges(self)
        return found

    async def count(self) -> int:  # type: ignore[override]
        """Execute, and count rows; see :meth:`QueryBuilder.count`."""
        number: int = await self._bound("count", "await session.count(stmt)").count(self)
        return number

    @overload  # type: ignore[override]
    async def scalar[A](self: QueryBuilder[tuple[A, *tuple[Any, ...]]]) -> A | None: ...
    @overload
    async def scalar(self) -> T | None: ...
    async def scalar(self) -> Any:
        """Execute, and return the first value of the first row; see :meth:`QueryBuilder.scalar`."""
        return await self._bound("scalar", "await session.scalar(stmt)").scalar_value(self)

    @overload  # type: ignore[override]
    async def scalars[A](self: QueryBuilder[tuple[A, *tuple[Any, ...]]]) -> list[A]: ...
    @overload
    async def scalars(self) -> list[T]: ...
    async def scalars(self) -> list[Any]:
        """Execute, and return the first value of each row; see :meth:`QueryBuilder.scalars`."""
        found: list[Any] = await self._bound("scalars", "await session.scalars(stmt)").column(self)
        return found


class FulltextQueryBuilder[T](QueryBuilder[T]):
    """The nodes that match a fulltext query, best first unless ordered otherwise.

    Made by ``session.fulltext_search()``. The class needs a fulltext index
    (``Field(index_type="FULLTEXT")``). :func:`~runic.orm.query.score` is the score of each hit.

    Args:
        session: the session, or ``None`` for a statement.
        root_cls: the Node class searched.
        query: the query.
        fields: restrict the search to these fields (names, or ``Post.title``).
        syntax: ``"server"``: the query is in the server's own language. ``"plain"``: it is text as people
            type it, all words of which must occur; nothing in it is an operator, and it is an error nowhere.

    Raises:
        ValueError: an empty query; a plain one without a letter or digit, or of more than 100 words.
        QueryError: no such field, or one that holds no text.

    Example::

        posts = (
            session.fulltext_search(Post, query="graph databases", fields=["title"])
            .where(Post.published == True)
            .order_by(Post.created_at, desc=True)
            .limit(20)
            .all()
        )
        found = session.fulltext_search(Post, query=request.args["q"], syntax="plain").all()
    """

    __slots__ = ()

    def __init__(
        self,
        session: Any,
        root_cls: type[T],
        query: str,
        fields: Sequence[str | Any] | None = None,
        syntax: SearchSyntax = "server",
    ) -> None:
        super().__init__(session, root_cls)
        self._steps, self._values = _fulltext(root_cls, query, fields, syntax)


class VectorQueryBuilder[T](QueryBuilder[T]):
    """The ``k`` nodes nearest to a vector, nearest first unless ordered otherwise.

    Made by ``session.vector_search()``. The field needs a vector index
    (``Field(index_type="VECTOR", dimension=...)``). ``k`` counts after the predicates on these nodes:
    filtered or not, the ``k`` nearest that fit are found, if there are as many. Predicates on what is
    traversed to come after that. :func:`~runic.orm.query.score` is the score of each hit.

    Args:
        session: the session, or ``None`` for a statement.
        root_cls: the Node class searched.
        field: the field that holds the vectors.
        vector: the vector to search for.
        k: how many to find.

    Raises:
        QueryError: the field holds no vectors, or belongs to another class.
        ValueNotStorableError: a vector of another length than the field's.

    Example::

        similar = (
            session.vector_search(Document, field=Document.embedding, vector=[0.1, 0.2, 0.3], k=10)
            .where(Document.active == True)
            .all()
        )
    """

    __slots__ = ()

    def __init__(
        self,
        session: Any,
        root_cls: type[T],
        field: FieldDescriptor | Any,
        vector: Sequence[float],
        k: int = 10,
    ) -> None:
        super().__init__(session, root_cls)
        self._steps, self._values = _vector(root_cls, field, vector, k)


class AsyncFulltextQueryBuilder[T](AsyncQueryBuilder[T]):
    """A :class:`FulltextQueryBuilder` bound to an async session; the same arguments."""

    __slots__ = ()

    def __init__(
        self,
        session: Any,
        root_cls: type[T],
        query: str,
        fields: Sequence[str | Any] | None = None,
        syntax: SearchSyntax = "server",
    ) -> None:
        super().__init__(session, root_cls)
        self._steps, self._values = _fulltext(root_cls, query, fields, syntax)


class AsyncVectorQueryBuilder[T](AsyncQueryBuilder[T]):
    """A :class:`VectorQueryBuilder` bound to an async session; the same arguments."""

    __slots__ = ()

    def __init__(
        self,
        session: Any,
        root_cls: type[T],
        field: FieldDescriptor | Any,
        vector: Sequence[float],
        k: int = 10,
    ) -> None:
        super().__init__(session, root_cls)
        self._steps, self._values = _vector(root_cls, field, vector, k)


type _Start = tuple[tuple[Key, ...], tuple[Any, ...]]


def _fulltext(root: type, query: object, fields: Sequence[object] | None, syntax: object) -> _Start:
    """The first step of a fulltext search and its values."""
    if not isinstance(query, str):
        raise TypeError(f"a fulltext query is a str, not {type(query).__name__}")
    if not query.strip():
        raise ValueError("the fulltext query is empty")
    if isinstance(fields, str):
        raise TypeError(f"the fields to search are a list of names: [{fields!r}], not {fields!r}")
    names = [each.name if isinstance(each, Attr) else str(each) for each in fields or ()]
    for name in names:
        if field_of(root, name).type.kind is not Kind.STRING:
            raise QueryError(f"{root.__name__}.{name} holds no text to search")
    if syntax not in ("server", "plain"):
        raise ValueError(f"syntax is 'server' or 'plain', not {syntax!r}")
    return (("fulltext", tuple(names), syntax),), (words_of(query) if syntax == "plain" else query,)


def _vector(root: type, field: object, vector: object, k: object) -> _Start:
    """The first step of a vector search and its values."""
    name = field if isinstance(field, str) else getattr(field, "name", None)
    owner: Any = getattr(field, "owner", root)
    if not (isinstance(name, str) and isinstance(owner, type) and issubclass(root, owner)):
        raise QueryError(f"vector_search({root.__name__}) needs a field of that class, not {field!r}")
    found = field_of(root, name)
    if found.type.kind is not Kind.VECTOR:
        raise QueryError(f"{root.__name__}.{name} holds no vectors: annotate it as Vector")
    if not isinstance(k, int) or isinstance(k, bool):
        raise TypeError(f"k takes an int, not {type(k).__name__}")
    if k < 1:
        raise ValueError(f"k={k}: ask for at least one neighbour")
    numbers = _numbers(vector, f"{root.__name__}.{name}", found.dimension)
    return (("vector", root, name),), (numbers, k)


def _numbers(vector: object, owner: str, dimension: int | None) -> Any:
    from runic.orm.core.types import Vector

    if isinstance(vector, str | bytes) or not isinstance(vector, Sequence):
        raise TypeError(
            f"{owner}: the vector to search for is a list of numbers, not {type(vector).__name__}"
        )
    try:
        numbers = Vector(cast("Sequence[float]", vector))
    except (TypeError, ValueError) as error:
        raise ValueNotStorableError(f"{owner}: {error}") from error
    if not numbers:
        raise ValueNotStorableError(f"{owner}: the vector to search for is empty")
    if dimension is not None and len(numbers) != dimension:
        raise ValueNotStorableError(
            f"{owner}: the vector to search for has {len(numbers)} numbers, the field {dimension}"
        )
    return numbers
