"""The query builder: one class for statements that are values and for builders bound to a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, overload

from runic.orm.core.mapped import Attr
from runic.orm.exceptions import QueryError
from runic.orm.query.columns import column_key, group_key
from runic.orm.query.expressions import AggExpr, Operand
from runic.orm.query.normal import aggregate_key
from runic.orm.query.refine import Refinable, checked_alias, whole
from runic.orm.query.traversal import TraversalStep

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["QueryBuilder", "select"]

#: What may be returned or projected, of a type that a checker knows.
type Column[V] = Attr[V] | Operand[V] | AggExpr[V]


class QueryBuilder[T](Refinable):
    """A query for the nodes of one class, and whatever is reached from them.

    Two ways to use it, by the same methods:

    * :func:`select` makes a *statement*: a value that every method leaves as it is and returns a
      refined copy of, so that a module-level constant can be refined by two requests at once. A session
      executes it::

        active = select(User).where(User.active == True)
        users = session.scalars(active.limit(20))

    * ``session.query(User)`` makes a builder *bound* to a session: every method changes it and returns
      it, and :meth:`all` and the like execute it::

        users = session.query(User).where(User.active == True).limit(20).all()

    ``print(stmt)`` shows the Cypher; :meth:`compile` that of any installed backend, without a server.

    Args:
        session: the session it is bound to, or ``None`` for a statement.
        root_cls: the Node class whose nodes it starts from.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self, session: Any, root_cls: type[T]) -> None: ...

    # -- what is matched ---------------------------------------------------------------------------

    @overload
    def traverse[R](
        self,
        relation_field: Attr[list[R]],
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def traverse[R](
        self,
        relation_field: Attr[R | None],
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def traverse[R](
        self,
        relation_field: list[R],
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def traverse[R](
        self,
        relation_field: R | None,
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    def traverse(
        self,
        relation_field: Any,
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[Any]:
        """Follow a relation; call ``.alias("f")`` on the result to name where it leads.

        It starts from the node reached last that has the relation, unless ``on`` names another.
        What it leads to is what the statement returns, unless something else is asked for.

        Args:
            relation_field: the relation, e.g. ``User.friends``.
            edge_alias: a variable for the relationship, to filter by its properties or return it.
            optional: keep nodes without such a relationship (OPTIONAL MATCH); ``False`` drops them.
            on: the variable to start from.

        Example::

            q = select(User).alias("u").traverse(User.rated, edge_alias="r").alias("m")
            q = q.where(Rated.score >= 4.0, on="r")
        """
        return self._hop(relation_field, on, optional, edge_alias, 1, 1)

    @overload
    def repeat[R](
        self,
        relation_field: Attr[list[R]],
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def repeat[R](
        self,
        relation_field: Attr[R | None],
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def repeat[R](
        self,
        relation_field: list[R],
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def repeat[R](
        self,
        relation_field: R | None,
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    def repeat(
        self,
        relation_field: Any,
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[Any]:
        """Follow a relation several times: ``-[:PARENT*1..5]->``.

        Args:
            relation_field: the relation, e.g. ``Person.parent``.
            min_hops: the least number of hops; 0 includes the start itself.
            max_hops: the most; ``None`` for any number, which may take long in a dense graph.
            optional: keep nodes from which it leads nowhere.
            on: the variable to start from.

        Raises:
            TypeError: a bound is no int.
            ValueError: a negative bound, or ``max_hops`` below ``min_hops``.

        Example::

            select(Person).where(Person.id == "x").repeat(Person.parent, max_hops=5).alias("ancestor")
        """
        return self._hop(relation_field, on, optional, None, min_hops, max_hops)

    def _hop(
        self,
        relation: Any,
        source: str | None,
        optional: bool,
        edge_alias: str | None,
        min_hops: int,
        max_hops: int | None,
    ) -> TraversalStep[Any]:
        return TraversalStep(
            self,
            relation,
            source,
            optional=optional,
            edge_alias=edge_alias,
            min_hops=min_hops,
            max_hops=max_hops,
        )

    def register_traversal(
        self,
        fd: FieldDescriptor,
        source_alias: str | None,
        target_alias: str,
        *,
        optional: bool,
        edge_alias: str | None,
        min_hops: int,
        max_hops: int | None,
    ) -> QueryBuilder[Any]:
        """Append one traversal step; :meth:`TraversalStep.alias` calls it.

        Args:
            fd: the relation.
            source_alias: the variable to start from; ``None``: the last one that has the relation.
            target_alias: the variable for where it leads.
            optional: whether it is an OPTIONAL MATCH.
            edge_alias: the variable for the relationship, if any.
            min_hops: the least number of hops.
            max_hops: the most, or ``None``.

        Raises:
            QueryError: ``fd`` is no relation.
            ValueError: hops out of range.
        """
        if not (isinstance(cast("object", fd), Attr) and fd.is_relation):
            raise QueryError(f"{_named(fd)} is no relation: traverse() and repeat() follow Relation() fields")
        for name in (source_alias, edge_alias):
            if name is not None:
                checked_alias(name)
        whole("min_hops", min_hops)
        if max_hops is not None:
            whole("max_hops", max_hops)
            if max_hops < max(min_hops, 1):
                raise ValueError(f"max_hops={max_hops} is below {max(min_hops, 1)}, the least possible")
        return self._add(
            (
                *("hop", fd.owner, fd.name, source_alias, checked_alias(target_alias)),
                *(bool(optional), edge_alias, min_hops, max_hops),
            )
        )

    # -- what is returned --------------------------------------------------------------------------

    @overload
    def project[A](self, a: Column[A], /) -> QueryBuilder[A]: ...
    @overload
    def project[A, B](self, a: Column[A], b: Column[B], /) -> QueryBuilder[tuple[A, B]]: ...
    @overload
    def project[A, B, C](
        self, a: Column[A], b: Column[B], c: Column[C], /
    ) -> QueryBuilder[tuple[A, B, C]]: ...
    @overload
    def project[A, B, C, D](
        self, a: Column[A], b: Column[B], c: Column[C], d: Column[D], /
    ) -> QueryBuilder[tuple[A, B, C, D]]: ...
    @overload
    def project(self, *fields: Any) -> QueryBuilder[Any]: ...
    def project(self, *fields: Any) -> QueryBuilder[Any]:
        """Return values instead of nodes.

        Args:
            *fields: fields, ``distance(...)``, ``score()``, aggregations, or text: ``"u.name"``, or an
                alias for a whole node.

        :meth:`scalars` gives the first value of each row, :meth:`all_rows` a dict by field name (by
        ``alias.field`` where two fields have one name), and :meth:`all` the values themselves: as they are
        for one field, tuples for several.

        Example::

            names = session.query(User).project(User.name).scalars()
            rows = session.query(User).project(User.name, User.age).all_rows()
        """
        if not fields:
            raise QueryError("project() needs fields to return")
        values: list[Any] = []
        return self._add(("project", tuple(column_key(field, values) for field in fields)), values)

    @overload
    def aggregate[A](self, a: AggExpr[A], /) -> QueryBuilder[A]: ...
    @overload
    def aggregate[A, B](self, a: AggExpr[A], b: AggExpr[B], /) -> QueryBuilder[tuple[A, B]]: ...
    @overload
    def aggregate[A, B, C](
        self, a: AggExpr[A], b: AggExpr[B], c: AggExpr[C], /
    ) -> QueryBuilder[tuple[A, B, C]]: ...
    @overload
    def aggregate(self, *agg_exprs: AggExpr[Any], group_by: Any = None) -> QueryBuilder[Any]: ...
    def aggregate(self, *agg_exprs: AggExpr[Any], group_by: Any = None) -> QueryBuilder[Any]:
        """Return aggregations, over all rows or by group.

        Args:
            *agg_exprs: made by :func:`~runic.orm.query.count`, ``avg``, ``sum_``, ``min_``, ``max_``,
                ``collect``; name them with ``.as_("name")``.
            group_by: what to group by, and return first: an alias (its whole node), a field, or several
                of these in a list or tuple.

        Example::

            q.alias("u").traverse(User.friends).alias("f").aggregate(
                count("f").as_("friend_count"), group_by="u"
            ).all_rows()  # [{"u": <User>, "friend_count": 3}, ...]
        """
        if not agg_exprs:
            raise QueryError("aggregate() needs aggregations, e.g. count()")
        for each in agg_exprs:
            if not isinstance(each, AggExpr):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"aggregate() takes count(), avg() and the like, not {type(each).__name__}")
        aggregates = tuple(aggregate_key(each) for each in agg_exprs)
        return self._add(("aggregate", aggregates, group_key(group_by)))

    def return_target(self, alias: str) -> QueryBuilder[Any]:
        """Return the nodes of one variable.

        Args:
            alias: the variable.

        Example::

            select(User).alias("u").traverse(User.friends).alias("f").return_target("u")
        """
        return self._add(("target", checked_alias(alias)))

    def return_nodes(self, *aliases: str) -> QueryBuilder[Any]:
        """Return the nodes of several variables, with :meth:`return_edge` the edges between them.

        Args:
            *aliases: the variables, in the order of the result.
        """
        if not aliases:
            raise QueryError("return_nodes() needs aliases")
        return self._add(("nodes", tuple(checked_alias(alias) for alias in aliases)))

    def return_edge(self, alias: str) -> QueryBuilder[Any]:
        """Return an edge too, after the first node (a second one after the second node).

        Args:
            alias: the ``edge_alias`` of a traversal whose relation declares an ``edge_model``.
        """
        return self._add(("edge", checked_alias(alias)))

    # -- execution ---------------------------------------------------------------------------------

    def all(self) -> list[T]:
        """Execute, and return every result: nodes, or values after :meth:`project`.

        Raises:
            RuntimeError: it is a statement; a session executes these.
        """
        found: list[T] = self._bound("all", "session.scalars(stmt)").scalars(self)
        return found

    def one(self) -> T | None:
        """Execute with LIMIT 1, and return the first result, or ``None``.

        Raises:
            RuntimeError: it is a statement; a session executes these.
        """
        found: T | None = self._bound("one", "session.scalar(stmt)").scalar(self)
        return found

    def all_rows(self) -> list[dict[str, Any]]:
        """Execute, and return a dict by name for each row; whole nodes and edges are entities.

        Raises:
            RuntimeError: it is a statement; a session executes these.
        """
        found: list[dict[str, Any]] = self._bound("all_rows", "session.all_rows(stmt)").all_rows(self)
        return found

    def all_with_edges(self) -> list[tuple[Any, ...]]:
        """Execute, and return ``(node, edge, node)`` tuples.

        Needs :meth:`return_nodes` and :meth:`return_edge`; what an optional traversal did not find is
        ``None``.

        Raises:
            RuntimeError: it is a statement; a session executes these.

        Example::

            q = session.query(User).alias("u").traverse(User.rated, edge_alias="r", optional=False)
            q = q.alias("m").return_nodes("u", "m").return_edge("r")
            for user, rated, movie in q.all_with_edges():
                print(f"{user.name} rated {movie.title} with {rated.score}")
        """
        session = self._bound("all_with_edges", "session.all_with_edges(stmt)")
        found: list[tuple[Any, ...]] = session.all_with_edges(self)
        return found

    def count(self) -> int:
        """The number of rows, whatever is returned of each; without :meth:`limit` and :meth:`skip`.

        Raises:
            RuntimeError: it is a statement; a session executes these.
        """
        number: int = self._bound("count", "session.count(stmt)").count(self)
        return number

    @overload
    def scalar[A](self: QueryBuilder[tuple[A, *tuple[Any, ...]]]) -> A | None: ...
    @overload
    def scalar(self) -> T | None: ...
    def scalar(self) -> Any:
        """Execute, and return the first value of the first row, or ``None``.

        Raises:
            RuntimeError: it is a statement; a session executes these.

        Example::

            mean = session.query(User).aggregate(avg(User.age)).scalar()
        """
        return self._bound("scalar", "session.scalar(stmt)").scalar_value(self)

    @overload
    def scalars[A](self: QueryBuilder[tuple[A, *tuple[Any, ...]]]) -> list[A]: ...
    @overload
    def scalars(self) -> list[T]: ...
    def scalars(self) -> list[Any]:
        """Execute, and return the first value of each row.

        Raises:
            RuntimeError: it is a statement; a session executes these.

        Example::

            names = session.query(User).project(User.name).scalars()
        """
        found: list[Any] = self._bound("scalars", "session.scalars(stmt)").column(self)
        return found


def select[T](cls: type[T]) -> QueryBuilder[T]:
    """A statement for the nodes of ``cls``, to be refined, and executed by a session.

    Args:
        cls: a Node class.

    Raises:
        MetadataError: ``cls`` is no Node class.

    Example::

        stmt = select(User).where(User.active == True)
        if min_age > 0:
            stmt = stmt.where(User.age >= min_age)
        users = session.scalars(stmt)  # list[User]
        user = session.scalar(stmt)  # User | None
        n = session.count(stmt)
    """
    return QueryBuilder(None, cls)


def _named(field: object) -> str:
    owner = getattr(field, "owner", None)
    return f"{owner.__name__}.{getattr(field, 'name', '?')}" if isinstance(owner, type) else repr(field)
