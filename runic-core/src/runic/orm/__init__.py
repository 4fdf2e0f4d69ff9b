"""runic: one model, one session API, any Cypher database.

Every public name is exported here and loaded at its first use: ``import runic.orm`` costs next to
nothing and imports no database client.
"""

import pkgutil

# Backends and the testing kit may be separate distributions that extend this package.
__path__ = pkgutil.extend_path(__path__, __name__)

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Capability
    from runic.orm.compile.shape import Compiled
    from runic.orm.core.descriptors import Field, Relation
    from runic.orm.core.indexes import Index
    from runic.orm.core.mapped import Mapped
    from runic.orm.core.metadata import MetaData, metadata
    from runic.orm.core.models import Edge, Node
    from runic.orm.core.types import GeoLocation, TypeConverter, Vector
    from runic.orm.driver.factory import create_async_driver, create_driver
    from runic.orm.driver.port import QueryResult
    from runic.orm.exceptions import (
        AuthError,
        BackendLoadError,
        ConcurrentUseError,
        ConnectionLostError,
        ConstraintViolation,
        DetachedEntityError,
        DriverError,
        DuplicateBackendError,
        EntityNotFoundError,
        FieldValidationError,
        ForkedSessionError,
        InternalError,
        InvalidNameError,
        InvalidURLError,
        LazyLoadError,
        LockHeldError,
        MetadataError,
        MissingParameterError,
        OrmError,
        PluginError,
        PoolTimeout,
        QueryError,
        QueryTimeout,
        QueryTooComplexError,
        ResultTooLarge,
        SchemaChangedError,
        SearchSyntaxError,
        ServerError,
        StaleObjectError,
        TransientConflictError,
        UnknownBackendError,
        UnknownHandleError,
        UnknownOptionError,
        UnsupportedByBackendError,
        ValueNotStorableError,
    )
    from runic.orm.plugin.manager import register_backend, unregister_backend
    from runic.orm.query import (
        avg,
        collect,
        count,
        count_of,
        distance,
        exists,
        max_,
        min_,
        score,
        select,
        sum_,
    )
    from runic.orm.query.report import Report
    from runic.orm.repository.async_repository import AsyncRepository
    from runic.orm.repository.repository import Repository
    from runic.orm.session.async_session import AsyncSession
    from runic.orm.session.retry import run_in_transaction, run_in_transaction_async
    from runic.orm.session.session import Session

__all__ = [
    "AsyncRepository",
    "AsyncSession",
    "AuthError",
    "BackendLoadError",
    "Capability",
    "Compiled",
    "ConcurrentUseError",
    "ConnectionLostError",
    "ConstraintViolation",
    "DetachedEntityError",
    "DriverError",
    "DuplicateBackendError",
    "Edge",
    "EntityNotFoundError",
    "Field",
    "FieldValidationError",
    "ForkedSessionError",
    "GeoLocation",
    "Index",
    "InternalError",
    "InvalidNameError",
    "InvalidURLError",
    "LazyLoadError",
    "LockHeldError",
    "Mapped",
    "MetaData",
    "MetadataError",
    "MissingParameterError",
    "Node",
    "OrmError",
    "PluginError",
    "PoolTimeout",
    "QueryError",
    "QueryResult",
    "QueryTimeout",
    "QueryTooComplexError",
    "Relation",
    "Report",
    "Repository",
    "ResultTooLarge",
    "SchemaChangedError",
    "SearchSyntaxError",
    "ServerError",
    "Session",
    "StaleObjectError",
    "TransientConflictError",
    "TypeConverter",
    "UnknownBackendError",
    "UnknownHandleError",
    "UnknownOptionError",
    "UnsupportedByBackendError",
    "ValueNotStorableError",
    "Vector",
    "avg",
    "collect",
    "count",
    "count_of",
    "create_async_driver",
    "create_driver",
    "distance",
    "exists",
    "max_",
    "metadata",
    "min_",
    "register_backend",
    "run_in_transaction",
    "run_in_transaction_async",
    "score",
    "select",
    "sum_",
    "unregister_backend",
]

_MODULES = {
    "runic.orm.compile.dialect": ("Capability",),
    "runic.orm.compile.shape": ("Compiled",),
    "runic.orm.core.descriptors": ("Field", "Relation"),
    "runic.orm.core.indexes": ("Index",),
    "runic.orm.core.mapped": ("Mapped",),
    "runic.orm.core.metadata": ("MetaData", "metadata"),
    "runic.orm.core.models": ("Edge", "Node"),
    "runic.orm.core.types": ("GeoLocation", "TypeConverter", "Vector"),
    "runic.orm.driver.factory": ("create_async_driver", "create_driver"),
    "runic.orm.driver.port": ("QueryResult",),
    "runic.orm.exceptions": (
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
    ),
    "runic.orm.plugin.manager": ("register_backend", "unregister_backend"),
    "runic.orm.query": (
        "avg",
        "collect",
        "count",
        "count_of",
        "distance",
        "exists",
        "max_",
        "min_",
        "score",
        "select",
        "sum_",
    ),
    "runic.orm.query.report": ("Report",),
    "runic.orm.repository.async_repository": ("AsyncRepository",),
    "runic.orm.repository.repository": ("Repository",),
    "runic.orm.session.async_session": ("AsyncSession",),
    "runic.orm.session.retry": ("run_in_transaction", "run_in_transaction_async"),
    "runic.orm.session.session": ("Session",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # else a type checker would take any misspelt name for an export

    def __getattr__(name: str) -> object:
        """Import a public name from its home at first use."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
