"""A traversal that still needs a name for where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from runic.orm.query.builder import QueryBuilder

__all__ = ["TraversalStep"]

B_co = TypeVar("B_co", covariant=True)


class TraversalStep(Generic[B_co]):  # noqa: UP046 - covariant by declaration
    """A pending hop; made by ``traverse()`` and ``repeat()``. Call :meth:`alias` to complete it.

    Args:
        builder: the builder it continues.
        field_descriptor: the relation to follow.
        source_alias: the variable to start from; ``None``: the last one that has the relation.
        optional: keep source nodes without such a relationship (OPTIONAL MATCH).
        edge_alias: a variable for the relationship.
        min_hops: the least number of hops.
        max_hops: the most; ``None`` for any number.
    """

    __slots__ = ("_builder", "_options", "_relation", "_source")

    def __init__(
        self,
        builder: QueryBuilder[Any],
        field_descriptor: Any,
        source_alias: str | None,
        *,
        optional: bool = True,
        edge_alias: str | None = None,
        min_hops: int = 1,
        max_hops: int | None = 1,
    ) -> None:
        self._builder = builder
        self._relation = field_descriptor
        self._source = source_alias
        self._options: dict[str, Any] = {
            "optional": optional,
            "edge_alias": edge_alias,
            "min_hops": min_hops,
            "max_hops": max_hops,
        }

    def alias(self, name: str) -> B_co:
        """Name the node that the hop leads to, and go on with the builder.

        Args:
            name: the Cypher variable.

        Raises:
            InvalidNameError: no valid name.
            QueryError: no relation was given.
        """
        done: Any = self._builder.register_traversal(self._relation, self._source, name, **self._options)
        return done  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"call .alias('name') to complete the traversal before .{name}")

    def __repr__(self) -> str:
        return f"<traversal of {getattr(self._relation, 'name', '?')}, without alias yet>"
