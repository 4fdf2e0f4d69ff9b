"""What class-level access to a field gives: typed operators, and the ``Mapped[T]`` annotation.

The operators build expressions of the query layer, which lies above this one: it is imported when an
operator is used, not before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast, overload

from runic.orm.exceptions import QueryError

if TYPE_CHECKING:
    from runic.orm.query.expressions import FilterExpr

__all__ = ["Attr", "Mapped"]


class Attr[T]:
    """A field of a model, as seen on the class: ``User.name``.

    Its operators build predicates for ``where()``. Comparing with ``None`` tests for a missing value::

        select(User).where(User.name.startswith("A"), User.email != None)

    At run time every field is a :class:`~runic.orm.core.descriptors.FieldDescriptor`, which is one of
    these; type checkers see it for fields annotated :class:`Mapped`.
    """

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """The field's name, which is the property's name in the database."""
            ...

        @property
        def owner(self) -> type[Any]:
            """The model that the field was asked on."""
            ...

        @property
        def is_relation(self) -> bool:
            """Whether it was declared by ``Relation()``."""
            ...

    __slots__ = ()

    # Expressions need identity, not equality, when fields are dictionary keys.
    if TYPE_CHECKING:

        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__

    def __eq__(self, other: object) -> FilterExpr:  # type: ignore[override]
        """``User.name == value``; ``== None`` means IS NULL."""
        return _filter(self, "IS NULL" if other is None else "=", other)

    def __ne__(self, other: object) -> FilterExpr:  # type: ignore[override]
        """``User.name != value``; ``!= None`` means IS NOT NULL."""
        return _filter(self, "IS NOT NULL" if other is None else "<>", other)

    def __lt__(self, other: Any) -> FilterExpr:
        """``User.age < value``."""
        return _ordering(self, "<", other)

    def __le__(self, other: Any) -> FilterExpr:
        """``User.age <= value``."""
        return _ordering(self, "<=", other)

    def __gt__(self, other: Any) -> FilterExpr:
        """``User.age > value``."""
        return _ordering(self, ">", other)

    def __ge__(self, other: Any) -> FilterExpr:
        """``User.age >= value``."""
        return _ordering(self, ">=", other)

    def in_(self, values: Iterable[Any]) -> FilterExpr:
        """The value is one of ``values``.

        Raises:
            TypeError: ``values`` is a single text, or holds ``None`` (which equals nothing in a query).
        """
        return _filter(self, "IN", _members(self, "in_", values))

    def not_in_(self, values: Iterable[Any]) -> FilterExpr:
        """The value is none of ``values``. A missing value does not match."""
        return _filter(self, "IN", _members(self, "not_in_", values), negate=True)

    def contains(self: Attr[str] | Attr[str | None], text: str) -> FilterExpr:
        """The text contains ``text``, with the same case."""
        return _text(self, "contains", "CONTAINS", text)

    def startswith(self: Attr[str] | Attr[str | None], text: str) -> FilterExpr:
        """The text starts with ``text``, with the same case."""
        return _text(self, "startswith", "STARTS WITH", text)

    def endswith(self: Attr[str] | Attr[str | None], text: str) -> FilterExpr:
        """The text ends with ``text``, with the same case."""
        return _text(self, "endswith", "ENDS WITH", text)

    def matches(self: Attr[str] | Attr[str | None], pattern: str) -> FilterExpr:
        """The whole text matches a regular expression, in the server's dialect of these."""
        return _text(self, "matches", "=~", pattern)

    def is_null(self) -> FilterExpr:
        """There is no value."""
        return _filter(self, "IS NULL", None)

    def is_not_null(self) -> FilterExpr:
        """There is a value."""
        return _filter(self, "IS NOT NULL", None)


class Mapped[T]:
    """Annotation that makes ``User.name`` a typed expression, while ``user.name`` is a ``T``.

    Example::

        class User(Node):
            id: Mapped[str] = Field(primary_key=True)
            age: Mapped[int | None] = Field(default=None)

    ``id: str = Field(...)`` means the same at run time; a type checker then takes ``User.id`` for a str.
    """

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> Attr[T]: ...
        @overload
        def __get__(self, instance: object, owner: Any) -> T: ...
        def __get__(self, instance: object | None, owner: Any) -> Attr[T] | T: ...
        def __set__(self, instance: object, value: T) -> None: ...


def _label(attr: Attr[Any]) -> str:
    return f"{attr.owner.__name__}.{attr.name}"


def _filter(attr: Attr[Any], op: str, value: Any, *, negate: bool = False) -> FilterExpr:
    from runic.orm.query.expressions import FilterExpr

    if attr.is_relation:
        raise QueryError(f"{_label(attr)} is a relation and has no value to compare: use traverse()")
    return FilterExpr(cls=attr.owner, prop=attr.name, op=op, value=value, negate=negate)


def _ordering(attr: Attr[Any], op: str, value: Any) -> FilterExpr:
    if value is None:
        raise TypeError(f"{_label(attr)} {op} None matches nothing: a missing value is found by is_null()")
    return _filter(attr, op, value)


def _text(attr: Attr[Any], method: str, op: str, value: object) -> FilterExpr:
    if not isinstance(value, str):
        raise TypeError(f"{_label(attr)}.{method}() takes a str, not {type(value).__name__}")
    return _filter(attr, op, value)


def _members(attr: Attr[Any], method: str, values: object) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(
            f"{_label(attr)}.{method}() takes several values, as a list or so, not {type(values).__name__}"
        )
    members: list[Any] = list(cast("Iterable[object]", values))
    if any(member is None for member in members):
        raise TypeError(f"{_label(attr)}.{method}() cannot look for None: add `| {_label(attr)}.is_null()`")
    return members
