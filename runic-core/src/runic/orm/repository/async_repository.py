"""The async twin of :mod:`runic.orm.repository.repository`."""

# A repository runs what it asks through the inner parts of its session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from runic.orm.repository.protocols import AsyncRepositoryProtocol
from runic.orm.session.async_session import AsyncSession

if TYPE_CHECKING:
    from runic.orm.query.specialised import AsyncQueryBuilder

__all__ = ["AsyncRepository"]


class AsyncRepository[T](AsyncRepositoryProtocol[T]):
    """Reads of one entity class through a session; what it returns belongs to that session.

    Writes and look-ups by key are the session's.

    Args:
        session: the session that runs the statements.
        entity_class: the node class.

    Example:
        >>> people = AsyncRepository(session, Person)                             # doctest: +SKIP
        >>> await people.find_all(skip=0, limit=25)                                # doctest: +SKIP
    """

    def __init__(self, session: AsyncSession, entity_class: type[T]) -> None:
        given = cast("object", session)  # whatever the annotation says
        if not isinstance(given, AsyncSession):
            raise TypeError(f"an AsyncRepository runs in an AsyncSession, not in {given!r}")
        self._session = session
        self._cls = entity_class

    async def find_all(
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
        return await statements.find_all(self.query(), self._cls, fetch, skip, limit)

    def query(self) -> AsyncQueryBuilder[T]:
        """A query builder for the class, bound to the session."""
        return self._session.query(self._cls)

    @overload
    async def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: None = None,
        write: bool = False,
    ) -> list[Any]: ...

    @overload
    async def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[dict[Any, Any]],
        write: bool = False,
    ) -> list[dict[str, Any]]: ...

    @overload
    async def cypher[R](
        self, query: str, params: Mapping[str, Any] | None = None, *, returns: type[R], write: bool = False
    ) -> list[R]: ...

    async def cypher(
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
        return await self._session._statements.cypher(query, params, returns, write)
