"""Typed reads of one entity class, for applications that like repositories."""

# A repository runs what it asks through the inner parts of its session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from runic.orm.repository.protocols import RepositoryProtocol
from runic.orm.session.blocking import run_blocking
from runic.orm.session.session import Session

if TYPE_CHECKING:
    from runic.orm.query.builder import QueryBuilder

__all__ = ["Repository"]


class Repository[T](RepositoryProtocol[T]):
    """Reads of one entity class through a session; what it returns belongs to that session.

    Writes and look-ups by key are the session's.

    Args:
        session: the session that runs the statements.
        entity_class: the node class.

    Example:
        >>> people = Repository(session, Person)                             # doctest: +SKIP
        >>> people.find_all(skip=0, limit=25)                                # doctest: +SKIP
    """

    def __init__(self, session: Session, entity_class: type[T]) -> None:
        given = cast("object", session)  # whatever the annotation says
        if not isinstance(given, Session):
            raise TypeError(f"a Repository runs in a Session, not in {given!r}")
        self._session = session
        self._cls = entity_class

    def find_all(
        self, fetch: Sequence[str] | None = None, skip: int = 0, limit: int | None = None
    ) -> list[T]:
        """All entities of the class.

        Args:
            fetch: relations to load with them.
            skip: how many to leave out; with ``limit`` this pages by primary key.
            limit: how many to return at most.

        Raises:
            ValueError: ``fetch`` together with ``skip`` or ``limit``.
        """
        statements = self._session._statements
        return run_blocking(statements.find_all(self.query(), self._cls, fetch, skip, limit))

    def query(self) -> QueryBuilder[T]:
        """A query builder for the class, bound to the session."""
        return self._session.query(self._cls)

    @overload
    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: None = None,
        write: bool = False,
    ) -> list[Any]: ...

    @overload
    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[dict[Any, Any]],
        write: bool = False,
    ) -> list[dict[str, Any]]: ...

    @overload
    def cypher[R](
        self, query: str, params: Mapping[str, Any] | None = None, *, returns: type[R], write: bool = False
    ) -> list[R]: ...

    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[Any] | None = None,
        write: bool = False,
    ) -> list[Any]:
        """Run raw Cypher and return a typed list.

        Args:
            query: the text; values belong in ``params``.
            params: values by parameter name.
            returns: ``int``, ``float``, ``str``, ``bool``: the first column of each row, checked;
                ``dict``: a dict a row; a node class: entities of this session; ``None``: nothing.
            write: whether it changes the database.

        Raises:
            FieldValidationError: a value that is not of the type asked for.
        """
        return run_blocking(self._session._statements.cypher(query, params, returns, write))
