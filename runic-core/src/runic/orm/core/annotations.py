"""Annotations of model classes, as written and evaluated.

Classes may be defined in any order and in several modules, with or without
``from __future__ import annotations``. So annotations are read as they are when a class is made, and
evaluated on first use; names that are not known yet stay forward references.
"""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, ForwardRef, TypeAliasType, cast

__all__ = ["Scope", "is_class_variable", "local_names", "own_annotations"]

_CLASS_VARIABLE = re.compile(r"\s*(?:\w+\s*\.\s*)*ClassVar\b")
_WORD = re.compile(r"[^\W\d]\w*")


def own_annotations(cls: type[Any]) -> dict[str, Any]:
    """The annotations of the body of ``cls``, name -> as written, unevaluated where they were."""
    if sys.version_info >= (3, 14):
        import annotationlib

        # Annotations are evaluated lazily there, and may name classes that do not exist yet.
        return dict(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return inspect.get_annotations(cls)


def is_class_variable(annotation: Any) -> bool:
    """Whether an annotation, evaluated or not, says ``ClassVar``."""
    text = _text(annotation)
    return bool(_CLASS_VARIABLE.match(repr(annotation) if text is None else text))


def _text(annotation: Any) -> str | None:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else None


def local_names(cls: type[Any], annotations: Mapping[str, Any], frame: FrameType | None) -> dict[str, Any]:
    """What the function that defines ``cls`` knows of the names in its annotations.

    Python keeps no way back from a class to its function, so this looks while the class is made.

    Args:
        cls: the class that is being made.
        annotations: as :func:`own_annotations` gives them.
        frame: the caller of ``__init_subclass__``: the class statement, or a wrapper of it.
    """
    if "<locals>" not in cls.__qualname__:
        return {}
    words = {
        word for each in annotations.values() if (text := _text(each)) for word in _WORD.findall(text)
    } | {
        word
        for each in annotations.values()
        if not isinstance(each, (str, type))
        for word in _WORD.findall(repr(each))
    }
    if not words:
        return {}
    # An own __init_subclass__ that calls super(), and type parameters, have frames of their own.
    while frame is not None and frame.f_code.co_name.startswith(("__init_subclass__", "<generic")):
        frame = frame.f_back
    names: Mapping[str, Any] = {} if frame is None else frame.f_locals
    return {word: names[word] for word in words if word in names}


class Scope:
    """What the names in the annotations of one class mean.

    Args:
        cls: the class whose body has the annotations.
        fields: the names of its fields, which hide nothing: ``date: date`` means the type.
        local: names of the function around the class, see :func:`local_names`.
        lookup: finds models by name, for names that Python does not know (yet).
    """

    def __init__(
        self,
        cls: type[Any],
        fields: Mapping[str, Any],
        local: Mapping[str, Any],
        lookup: Callable[[str], type[Any] | None],
    ) -> None:
        self._cls = cls
        self._fields = fields
        self._local = local
        self._lookup = lookup

    def evaluate(self, annotation: Any) -> Any:
        """``annotation`` without quotes at its outside; a name nobody knows stays a ForwardRef.

        Raises:
            Exception: whatever evaluating the text raises.
        """
        while True:
            text = _text(annotation)
            if text is not None:
                if isinstance(annotation, ForwardRef):
                    found = _evaluate_deferred(annotation)
                    if found is not None:
                        annotation = found
                        continue
                found = self._evaluate_text(text)
                if isinstance(found, ForwardRef) and found.__forward_arg__ == text:
                    return found
                annotation = found
            elif isinstance(annotation, TypeAliasType):
                annotation = annotation.__value__
            else:
                return annotation

    def _evaluate_text(self, text: str) -> Any:
        # A text may be quoted twice: quotes inside a postponed annotation.
        # Subscribing a generic class imports typing through the caller's builtins.
        return eval(text.strip(), {"__builtins__": builtins}, _Names(self))

    def find(self, name: str) -> Any:
        """What ``name`` means, or a ForwardRef."""
        body = vars(self._cls)
        if name in body and name not in self._fields:
            return body[name]
        for parameter in getattr(self._cls, "__type_params__", ()):
            if parameter.__name__ == name:
                return parameter
        if name in self._local:
            return self._local[name]
        module = sys.modules.get(self._cls.__module__)
        names = cast("dict[str, Any]", getattr(module, "__dict__", {}))
        if name in names:
            return names[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        if name == self._cls.__name__:
            return self._cls
        model = self._lookup(name)
        return ForwardRef(name) if model is None else model


class _Names(dict[str, Any]):
    """The local names of an evaluation: whatever the scope finds."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def __missing__(self, name: str) -> Any:
        return self._scope.find(name)


def _evaluate_deferred(reference: ForwardRef) -> Any:
    """A reference of Python 3.14 knows its scope, closures included; ``None`` if that is not enough."""
    evaluate = getattr(reference, "evaluate", None)
    if evaluate is None:
        return None
    try:
        found = evaluate()
    except Exception:  # noqa: BLE001  # NameError, and what operators on unknown names raise
        return None
    return None if isinstance(found, ForwardRef) else found
