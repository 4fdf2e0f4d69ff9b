"""Every error that runic raises, in one shallow tree under :class:`OrmError`.

Lowest layer: imports nothing of runic, so that any module may raise from here.
"""

from __future__ import annotations

__all__ = [
    "AuthError",
    "BackendLoadError",
    "ConcurrentUseError",
    "ConnectionLostError",
    "ConstraintViolation",
    "DetachedEntityError",
    "DriverError",
    "DuplicateBackendError",
    "EntityNotFoundError",
    "FieldValidationError",
    "ForkedSessionError",
    "InternalError",
    "InvalidNameError",
    "InvalidURLError",
    "LazyLoadError",
    "LockHeldError",
    "MetadataError",
    "MissingParameterError",
    "OrmError",
    "PluginError",
    "PoolTimeout",
    "QueryError",
    "QueryTimeout",
    "QueryTooComplexError",
    "ResultTooLarge",
    "SchemaChangedError",
    "SearchSyntaxError",
    "ServerError",
    "StaleObjectError",
    "TransientConflictError",
    "UnknownBackendError",
    "UnknownHandleError",
    "UnknownOptionError",
    "UnsupportedByBackendError",
    "ValueNotStorableError",
]


class OrmError(Exception):
    """Root of all runic errors.

    Attributes:
        backend: public name of the backend concerned (``"falkordb"``, ...), if one is.
        statement: the Cypher text that was about to run or ran; values are never part of it.
        retryable: whether running the same unit of work again, on fresh state, may succeed.
    """

    retryable: bool = False

    def __init__(
        self, message: str = "", *, backend: str | None = None, statement: str | None = None
    ) -> None:
        super().__init__(message)
        self.backend = backend
        self.statement = statement

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (multiprocessing, task queues): keep message and context,
        # whatever signature a subclass has.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[OrmError], args: tuple[object, ...], state: dict[str, object]) -> OrmError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InternalError(OrmError):
    """runic broke one of its own rules: please report it."""


# -- declarations -------------------------------------------------------------------------------


class MetadataError(OrmError):
    """A model declaration or the registry is wrong (duplicate label, unknown target, ...)."""


class InvalidNameError(MetadataError):
    """A label, type, property or alias that no backend could quote safely."""


class FieldValidationError(OrmError):
    """A value that its field does not take."""


class ValueNotStorableError(FieldValidationError):
    """A value that the backend could not give back unchanged; refused before anything is sent."""


# -- statements ---------------------------------------------------------------------------------


class QueryError(OrmError):
    """A statement that cannot be built or executed as written."""


class QueryTooComplexError(QueryError):
    """A statement nested deeper than servers parse in reasonable time."""


class MissingParameterError(QueryError):
    """The text names a parameter that has no value, or a value that the text does not name."""


class UnsupportedByBackendError(QueryError, NotImplementedError):
    """The backend has no such feature; raised before anything is sent.

    Attributes:
        feature: what was asked for.
        hint: what to do instead, if anything.
    """

    def __init__(self, backend: str, feature: str, hint: str = "") -> None:
        message = f"{backend} does not support {feature}"
        super().__init__(f"{message}: {hint}" if hint else message, backend=backend)
        self.feature = feature
        self.hint = hint


# -- sessions -----------------------------------------------------------------------------------


class EntityNotFoundError(OrmError):
    """No entity with that primary key."""


class DetachedEntityError(OrmError):
    """The operation needs an entity that belongs to this session."""


class LazyLoadError(OrmError):
    """A relation or an expired field cannot be loaded by attribute access, or its session is gone."""


class StaleObjectError(OrmError):
    """The stored object is not what this session loaded: changed or deleted by somebody else."""

    retryable = True


class ConcurrentUseError(OrmError):
    """A session was used by two threads or tasks at once."""


class ForkedSessionError(OrmError):
    """A session was used in a process other than the one that made it."""


# -- drivers ------------------------------------------------------------------------------------


class DriverError(OrmError):
    """A failure reported by the database or its client; the native error is ``__cause__``."""


class ConnectionLostError(DriverError):
    """No connection, or it broke.

    Attributes:
        maybe_applied: ``True`` when the request had been sent, so that its effect is unknown.
    """

    def __init__(
        self,
        message: str = "",
        *,
        maybe_applied: bool = False,
        backend: str | None = None,
        statement: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, statement=statement)
        self.maybe_applied = maybe_applied
        # Sending again is safe only when the first request cannot have been carried out.
        self.retryable: bool = not maybe_applied


class AuthError(DriverError):
    """The server refused the credentials."""


class PoolTimeout(DriverError):
    """No connection became free within the time allowed."""

    retryable = True


class ConstraintViolation(DriverError):
    """A unique or required constraint refused a write.

    Attributes:
        entity: the object whose row was refused, where it could be told.
    """

    entity: object | None = None


class TransientConflictError(DriverError):
    """Another transaction was in the way; the unit may succeed when it is run again."""

    retryable = True


class QueryTimeout(DriverError):
    """The server or the client gave up on a statement that took too long.

    Attributes:
        maybe_applied: ``True`` when a write may have been carried out nevertheless.
    """

    maybe_applied: bool = False


class ServerError(DriverError):
    """Any other error of the server: wrong syntax in raw text, unknown function, and the like."""


class SearchSyntaxError(QueryError, ServerError):
    """The server does not understand the text of a fulltext search, which is in its own query language."""

    def __init__(
        self, message: str = "", *, backend: str | None = None, statement: str | None = None
    ) -> None:
        super().__init__(
            f"the server does not understand the query of the fulltext search ({message}): it is in the"
            " server's own language; for text as people type it, pass syntax='plain' to fulltext_search()",
            backend=backend,
            statement=statement,
        )


class ResultTooLarge(DriverError):
    """A result beyond the configured limit."""


class SchemaChangedError(DriverError):
    """The graph changed under a result that was being decoded."""


class LockHeldError(DriverError):
    """Somebody else holds the lock."""

    retryable = True


# -- plugins ------------------------------------------------------------------------------------


class PluginError(OrmError):
    """A backend plugin cannot be used."""


class UnknownBackendError(PluginError, ValueError):
    """No installed plugin has that name."""


class UnknownOptionError(PluginError, TypeError):
    """The backend's driver takes no such option."""


class UnknownHandleError(PluginError, TypeError):
    """Neither a driver, nor an object of a client library that an installed backend knows."""


class InvalidURLError(PluginError, ValueError):
    """A database URL that cannot be read; the message never repeats its password."""


class DuplicateBackendError(PluginError):
    """Two distributions claim one backend name."""


class BackendLoadError(PluginError):
    """A plugin is installed but broken; an error of its own is ``__cause__``.

    Attributes:
        distribution: the distribution that holds the plugin, where it is an installed one.
        version: that distribution's version.
    """

    distribution: str | None = None
    version: str | None = None
