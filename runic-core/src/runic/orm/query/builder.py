"""The query builder: one class for statements that are values and for builders bound to a session."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, overload

from runic.orm.compile.compiler import compile_execution, compile_statement
from runic.orm.compile.dialect import Dialect
from runic.orm.compile.rewrite import count_rows
from runic.orm.core.mapped import Attr
from runic.orm.core.metadata import node_meta
from runic.orm.core.names import check_name
from runic.orm.exceptions import QueryError
from runic.orm.query import ir
from runic.orm.query.assemble import RESERVED_PREFIX, assemble
from runic.orm.query.columns import column_key, group_key
from runic.orm.query.expressions import AggExpr, Expr, Operand, OrderExpr
from runic.orm.query.normal import Key, aggregate_key, operand_key, predicate_key
from runic.orm.query.report import Report, check_backends
from runic.orm.query.terms import parse_order
from runic.orm.query.traversal import TraversalStep

if TYPE_CHECKING:
    from runic.orm.compile.shape import Compiled
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import MetaData

__all__ = ["QueryBuilder", "select"]

#: What may be returned or projected, of a type that a checker knows.
type Column[V] = Attr[V] | Operand[V] | AggExpr[V]


class QueryBuilder[T]:
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

    __slots__ = ("_counting", "_limit", "_root", "_session", "_skip", "_steps", "_values")

    _session: Any
    _root: type
    _steps: tuple[Key, ...]
    _values: tuple[Any, ...]
    _limit: int | None
    _skip: int | None
    _counting: bool

    def __init__(self, session: Any, root_cls: type[T]) -> None:
        node_meta(root_cls)
        self._session = session
        self._root = root_cls
        self._steps = ()
        self._values = ()
        self._limit = None
        self._skip = None
        self._counting = False

    # -- the one difference between statements and bound builders ----------------------------------

    def _target(self) -> Self:
        """What a method changes: a bound builder itself, a copy of a statement."""
        return self if self._session is not None else self._copy()

    def _copy(self) -> Self:
        cls = type(self)
        copy = cls.__new__(cls)
        copy._session = self._session
        copy._root = self._root
        copy._steps = self._steps
        copy._values = self._values
        copy._limit = self._limit
        copy._skip = self._skip
        copy._counting = self._counting
        return copy

    def _add(self, step: Key, values: Sequence[Any] = ()) -> Self:
        target = self._target()
        target._steps += (step,)
        if values:
            target._values += tuple(values)
        return target

    # -- what is matched ---------------------------------------------------------------------------

    def alias(self, name: str) -> Self:
        """Name the variable of the root, or rename the target of the last traversal.

        Args:
            name: the Cypher variable.

        Raises:
            InvalidNameError: no valid name.

        Example::

            select(User).alias("u").where(User.active == True, on="u")
        """
        return self._add(("alias", _alias(name)))

    def where(self, expr: Expr | bool, *, on: str | None = None) -> Self:
        """Keep what satisfies a predicate; several calls are combined with AND.

        A predicate belongs to the step that introduces the last of its variables. On a step that is
        optional it says what is joined, and nodes without such a neighbour stay; to drop these, traverse
        with ``optional=False``, or filter after :meth:`with_`.

        Args:
            expr: made by the operators of fields: ``User.age > 18``, combined with ``&``, ``|``, ``~``.
            on: the variable that the predicate is about, where its class stands under several, or to
                name an edge.

        Raises:
            TypeError: ``expr`` is no predicate, e.g. the plain ``bool`` of ``User.name is None``.
            QueryTooComplexError: groups nested too deep.

        Example::

            q.where((User.role == "admin") | (User.role == "mod")).where(Rated.score > 4.0, on="r")
        """
        values: list[Any] = []
        key = predicate_key(expr, values)
        if on is not None:
            _alias(on)
        return self._add(("where", key, on), values)

    @overload
    def traverse[R](
        self,
        relation_field: Attr[list[R]] | list[R],
        *,
        edge_alias: str | None = None,
        optional: bool = True,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def traverse[R](
        self,
        relation_field: Attr[R | None] | R | None,
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
        relation_field: Attr[list[R]] | list[R],
        *,
        min_hops: int = 1,
        max_hops: int | None = None,
        optional: bool = False,
        on: str | None = None,
    ) -> TraversalStep[QueryBuilder[R]]: ...
    @overload
    def repeat[R](
        self,
        relation_field: Attr[R | None] | R | None,
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
        if not (isinstance(fd, Attr) and fd.is_relation):
            raise QueryError(f"{_named(fd)} is no relation: traverse() and repeat() follow Relation() fields")
        for name in (source_alias, edge_alias):
            if name is not None:
                _alias(name)
        _whole("min_hops", min_hops)
        if max_hops is not None:
            _whole("max_hops", max_hops)
            if max_hops < max(min_hops, 1):
                raise ValueError(f"max_hops={max_hops} is below {max(min_hops, 1)}, the least possible")
        return self._add(
            (
                *("hop", fd.owner, fd.name, source_alias, _alias(target_alias)),
                *(bool(optional), edge_alias, min_hops, max_hops),
            )
        )

    def with_(self, *aliases: str) -> Self:
        """Close a stage: only the named variables go on, and later predicates filter the rows so far.

        Args:
            *aliases: the variables to carry on.

        Example::

            select(User).alias("u").where(User.active == True).with_("u").traverse(User.posts).alias("p")
        """
        if not aliases:
            raise QueryError("with_() needs the aliases to carry on")
        return self._add(("with", tuple(_alias(alias) for alias in aliases)))

    # -- order and extent --------------------------------------------------------------------------

    def order_by(self, field: Any, *, desc: bool = False) -> Self:
        """Add an ORDER BY term.

        Args:
            field: a field (``User.name``), an aggregation that is returned, ``distance(...)``,
                ``score()``, or text: ``"n.created_at DESC"``, or the name of something returned. Text is
                taken apart into names, never pasted.
            desc: largest first. Missing values come last in ascending, first in descending order.

        Raises:
            QueryError: text that is more than names.

        Example::

            q.order_by(User.age).order_by("u.created_at DESC").order_by(count("*"), desc=True)
        """
        if isinstance(field, str):
            builder = self
            for term, descending in parse_order(field, desc):
                builder = builder._add(("order", ("term", term), descending))
            return builder
        if isinstance(field, OrderExpr):
            text = field.raw or ".".join(filter(None, (field.alias, field.prop)))
            return self.order_by(text, desc=desc or field.desc)
        if isinstance(field, AggExpr):
            return self._add(("order", aggregate_key(field), desc))
        values: list[Any] = []
        key = operand_key(field, values)
        if not isinstance(key, tuple):
            raise TypeError(f"order_by() takes a field, an expression or text, not {type(field).__name__}")
        return self._add(("order", key, desc), values)

    def limit(self, n: int) -> Self:
        """Return at most ``n`` rows.

        Raises:
            TypeError: ``n`` is no int.
            ValueError: ``n`` is negative.
        """
        _whole("limit", n)
        target = self._target()
        target._limit = n
        return target

    def skip(self, n: int) -> Self:
        """Leave out the first ``n`` rows.

        Raises:
            TypeError: ``n`` is no int.
            ValueError: ``n`` is negative.
        """
        _whole("skip", n)
        target = self._target()
        target._skip = n
        return target

    def distinct(self) -> Self:
        """Return equal rows once. The order may then only use what is returned."""
        return self._add(("distinct",))

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
        return self._add(("target", _alias(alias)))

    def return_nodes(self, *aliases: str) -> QueryBuilder[Any]:
        """Return the nodes of several variables, with :meth:`return_edge` the edges between them.

        Args:
            *aliases: the variables, in the order of the result.
        """
        if not aliases:
            raise QueryError("return_nodes() needs aliases")
        return self._add(("nodes", tuple(_alias(alias) for alias in aliases)))

    def return_edge(self, alias: str) -> QueryBuilder[Any]:
        """Return an edge too, after the first node (a second one after the second node).

        Args:
            alias: the ``edge_alias`` of a traversal whose relation declares an ``edge_model``.
        """
        return self._add(("edge", _alias(alias)))

    # -- text --------------------------------------------------------------------------------------

    def build(self) -> tuple[str, dict[str, Any]]:
        """The Cypher and its parameters, for reading and debugging; it also runs as it is.

        A bound builder is compiled for the session's backend, a statement in standard openCypher; names
        are quoted where they are words of Cypher. Sessions send a form of their own, in which nodes are
        columns; its meaning is the same.

        Raises:
            QueryError: the statement contradicts itself or the models.

        Example::

            cypher, params = session.query(User).where(User.active == True).build()
            print(cypher)
            # MATCH (n:User)
            # WHERE n.active = $p0
            # RETURN n
        """
        compiled = compile_statement(self, self._dialect())
        return compiled.text, dict(compiled.parameters)

    def compile(self, backend: str | Dialect) -> Compiled:
        """The statement for a backend, without a server or a client library.

        Args:
            backend: the name of an installed backend, or a dialect.

        Raises:
            UnknownBackendError: no such backend is installed.
            UnsupportedByBackendError: the backend cannot do it.
            QueryError: the statement contradicts itself or the models.
            ValueNotStorableError: a value that its field cannot be compared with.

        Example::

            print(select(User).where(User.age > 18).compile("falkordb").text)
        """
        if isinstance(backend, str):
            from runic.orm.plugin.manager import load

            return compile_statement(self, load(backend).dialect())
        return compile_statement(self, backend)

    def check(self, *backends: str) -> Report:
        """Whether the statement compiles for each of these backends, and if not, why.

        Args:
            *backends: names of installed backends; none: all of them.

        Example::

            print(stmt.check("age", "neo4j"))
        """
        return check_backends(self, backends)

    def __str__(self) -> str:
        return self.build()[0]

    def __repr__(self) -> str:
        kind = "bound " if self._session is not None else ""
        return f"<{kind}{type(self).__name__} of {self._root.__name__}, {len(self._steps)} steps>"

    def _dialect(self) -> Dialect:
        dialect = getattr(self._session, "dialect", None)
        if isinstance(dialect, Dialect):
            return dialect
        from runic.orm.compile.standard import STANDARD

        return STANDARD

    # -- what the compiler asks --------------------------------------------------------------------

    @property
    def registry(self) -> MetaData:
        """The registry of its models."""
        return node_meta(self._root).metadata

    def shape_key(self) -> Hashable:
        """Equal for statements that differ only in values."""
        return (self._root, self._steps, self._limit is not None, self._skip is not None, self._counting)

    def tree(self) -> ir.Statement:
        """The statement tree; see :mod:`runic.orm.query.ir`."""
        statement = assemble(
            self._root,
            self._steps,
            limited=self._limit is not None,
            skipped=self._skip is not None,
            values=len(self._values),
        )
        return count_rows(statement) if self._counting else statement

    def slots(self) -> Sequence[Any]:
        """The values, by slot: those of the steps, then LIMIT, then SKIP."""
        limit, skip = self._limit, self._skip
        if limit is None:
            return self._values if skip is None else (*self._values, skip)
        return (*self._values, limit) if skip is None else (*self._values, limit, skip)

    # -- what sessions ask -------------------------------------------------------------------------

    def executable(self, dialect: Dialect) -> Compiled:
        """The form that a session sends: every node and edge as columns."""
        return compile_execution(self, dialect)

    def limited(self, n: int) -> Self:
        """A copy, of a bound builder too, that returns at most ``n`` rows."""
        copy = self._copy()
        copy._limit = n if self._limit is None else min(n, self._limit)
        return copy

    def counted(self) -> Self:
        """A copy, of a bound builder too, that returns the number of rows without limit and skip."""
        copy = self._copy()
        copy._counting = True
        copy._limit = copy._skip = None
        return copy

    def page_after(self, last: Any, size: int) -> Self:
        """A copy that returns the next ``size`` nodes in the order of their identity, each once.

        Args:
            last: the identity of the last node of the page before; ``None`` for the first page.
            size: the most nodes of a page.

        Raises:
            QueryError: the statement has an order or an extent of its own, or returns no whole node.
        """
        if (
            self._limit is not None
            or self._skip is not None
            or any(step[0] == "order" for step in self._steps)
        ):
            raise QueryError(
                "stream() reads in the order of the server's identities on this backend: leave out order_by(),"
                " limit() and skip(), or use all()"
            )
        copy = self._copy()
        copy._steps += (("page", last is not None),)
        if last is not None:
            copy._values += (last,)
        copy._limit = size
        return copy

    # -- execution ---------------------------------------------------------------------------------

    def _bound(self, method: str, instead: str) -> Any:
        if self._session is None:
            _unbound(method, instead)
        return self._session

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
        """Execute ``RETURN count(*)`` over the same rows; ignores :meth:`limit` and :meth:`skip`.

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
        TypeError: ``cls`` is no Node class.

    Example::

        stmt = select(User).where(User.active == True)
        if min_age > 0:
            stmt = stmt.where(User.age >= min_age)
        users = session.scalars(stmt)  # list[User]
        user = session.scalar(stmt)  # User | None
        n = session.count(stmt)
    """
    return QueryBuilder(None, cls)


def _alias(name: str) -> str:
    check_name(name, "alias")
    if name.startswith(RESERVED_PREFIX):
        raise QueryError(
            f"the alias {name!r} begins with {RESERVED_PREFIX!r}, which is reserved: choose another"
        )
    return name


def _whole(what: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} takes an int, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{what} cannot be negative, and {value} is")
    if value >= 2**63:
        raise ValueError(f"{what}={value} is beyond 64 bits")


def _named(field: object) -> str:
    owner = getattr(field, "owner", None)
    return f"{owner.__name__}.{getattr(field, 'name', '?')}" if isinstance(owner, type) else repr(field)


def _unbound(method: str, instead: str) -> NoReturn:
    raise RuntimeError(
        f"{method}() needs a session, and this statement was made by select(): use {instead}, or"
        f" session.query(Model) for a builder that is bound to one"
    )
