"""Questions about what a node is related to, without joining it: ``exists()`` and ``count_of()``."""

from __future__ import annotations

from typing import Any

from runic.orm.core.descriptors import FieldDescriptor
from runic.orm.exceptions import QueryError
from runic.orm.query.expressions import Expr, Operand

__all__ = ["ExistsExpr", "RelatedCount", "count_of", "exists"]


class ExistsExpr(Expr):
    """Whether a node has a related one that satisfies predicates; made by :func:`exists`.

    Attributes:
        relation: the relation that is followed.
        predicates: what the related node or the relationship must satisfy, all of them.
    """

    __slots__ = ("predicates", "relation")

    def __init__(self, relation: Any, *predicates: Any) -> None:
        self.relation: FieldDescriptor = _relation(relation, "exists")
        self.predicates: tuple[Any, ...] = predicates

    def __repr__(self) -> str:
        return f"<exists({_shown(self.relation, self.predicates)})>"


class RelatedCount(Operand[int]):
    """How many relationships lead to nodes that satisfy predicates; made by :func:`count_of`.

    Attributes:
        relation: the relation that is followed.
        predicates: what the related node or the relationship must satisfy, all of them.
    """

    __slots__ = ("predicates", "relation")

    def __init__(self, relation: Any, *predicates: Any) -> None:
        self.label: str | None = None
        self.relation: FieldDescriptor = _relation(relation, "count_of")
        self.predicates: tuple[Any, ...] = predicates

    def __repr__(self) -> str:
        return f"count_of({_shown(self.relation, self.predicates)})"


def exists(relation: Any, *predicates: Expr | bool) -> ExistsExpr:
    """Whether a node is related to one that satisfies all of ``predicates``.

    It joins nothing: a node is found once, however many related ones there are. In the predicates,
    a field of the related class, or of the relation's edge class, is asked of what is related; any
    other field of the statement is asked where it is bound. They may hold further ``exists()`` and
    :func:`count_of`.

    Args:
        relation: the relation, e.g. ``User.friends``.
        *predicates: what the related node or the relationship must satisfy.

    Raises:
        QueryError: it is no relation.

    Example::

        select(User).where(exists(User.rated, Rated.stars == 5, Film.year < 1980))
        select(User).where(~exists(User.friends))
    """
    return ExistsExpr(relation, *predicates)


def count_of(relation: Any, *predicates: Expr | bool) -> RelatedCount:
    """How many relationships of a node lead to one that satisfies all of ``predicates``; 0 if none does.

    To compare, to return or to order by. Two relationships to one node count twice.

    Args:
        relation: the relation, e.g. ``User.friends``.
        *predicates: what the related node or the relationship must satisfy; see :func:`exists`.

    Raises:
        QueryError: it is no relation.

    Example::

        select(User).where(count_of(User.friends) >= 3).order_by(count_of(User.friends), desc=True)
    """
    return RelatedCount(relation, *predicates)


def _relation(relation: object, function: str) -> FieldDescriptor:
    if isinstance(relation, FieldDescriptor):
        if relation.is_relation:
            return relation
        what = f"{relation.owner.__name__}.{relation.name}"
    else:
        what = repr(relation)
    raise QueryError(f"{function}() follows a Relation() field, such as User.friends, and {what} is none")


def _shown(relation: FieldDescriptor, predicates: tuple[Any, ...]) -> str:
    return f"{relation.owner.__name__}.{relation.name}{', ...' if predicates else ''}"
