"""What is known of every model, and the registry that finds models by name, label and type."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runic.orm.core import resolution
from runic.orm.core.declare import suggest
from runic.orm.core.modelmeta import EdgeMeta, NodeMeta
from runic.orm.exceptions import MetadataError

__all__ = ["EdgeMeta", "MetaData", "NodeMeta", "edge_meta", "metadata", "node_meta"]


@dataclass(frozen=True, slots=True)
class _MetaSnapshot:
    nodes: tuple[NodeMeta, ...]
    edges: tuple[EdgeMeta, ...]


class MetaData:
    """Registry of models. Classes register themselves when they are defined.

    There is one for the whole program, :data:`metadata`. Libraries and tests that must not meet the
    models of others make their own, on a base class::

        models = MetaData()


        class Base(Node, metadata=models): ...


        class Person(Base, labels=["Person"]):
            id: str = Field(primary_key=True)

    Names of targets may be given before the classes exist; :meth:`finalize` checks them all at once,
    else each is looked up on first use.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._nodes: dict[str, NodeMeta] = {}
        self._edges: dict[str, EdgeMeta] = {}
        self._roots: tuple[int, dict[type[Any], type[Any]]] = (-1, {})
        #: Counts the changes, so that whatever was looked up can be kept until the next one.
        self.version: int = 0

    @property
    def nodes(self) -> tuple[NodeMeta, ...]:
        """The registered Node classes, in the order of their definition."""
        return tuple(self._nodes.values())

    @property
    def edges(self) -> tuple[EdgeMeta, ...]:
        """The registered Edge classes, in the order of their definition."""
        return tuple(self._edges.values())

    def register_node(self, cls: type[Any]) -> None:
        """Register a Node class; its definition does this.

        A class of the same module and qualified name is replaced, as when a notebook cell runs again.

        Raises:
            MetadataError: another class has its primary label, or its very labels.
        """
        meta = _own_meta(cls, NodeMeta, "Node")
        with self._lock:
            key = _key(cls)
            for other in self._nodes.values():
                if _key(other.cls) == key:
                    continue
                related = issubclass(cls, other.cls) or issubclass(other.cls, cls)
                if set(other.labels) == set(meta.labels):
                    hint = "give it a label of its own" if related else _TWICE
                    raise MetadataError(
                        f"{_place(cls)} has the labels {list(meta.labels)} of {_place(other.cls)}: {hint}"
                    )
                if other.primary_label == meta.primary_label and not related:
                    raise MetadataError(
                        f"the primary label {meta.primary_label!r} of {_place(cls)} is already that of "
                        f"{_place(other.cls)}: {_TWICE}"
                    )
            self._nodes[key] = meta
            self.version += 1

    def register_edge(self, cls: type[Any]) -> None:
        """Register an Edge class; its definition does this.

        Raises:
            MetadataError: another class has its type.
        """
        meta = _own_meta(cls, EdgeMeta, "Edge")
        with self._lock:
            key = _key(cls)
            for other in self._edges.values():
                if other.type == meta.type and _key(other.cls) != key:
                    raise MetadataError(
                        f"the type {meta.type!r} of {_place(cls)} is already that of "
                        f"{_place(other.cls)}: {_TWICE}"
                    )
            self._edges[key] = meta
            self.version += 1

    def resolve_target(self, target: str | type[Any], near: type[Any] | None = None) -> type[Any]:
        """The class that ``target`` names: by class name, ``module.Class``, label or type.

        Args:
            target: the name; a class is returned as it is.
            near: the class that names it; of several classes of one name the one beside it is meant.

        Raises:
            MetadataError: there is none (with the closest names), or there are several.
        """
        if isinstance(target, type):
            return target
        candidates = self._candidates(target)
        if len(candidates) > 1 and near is not None:
            candidates = _nearest(candidates, near)
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            places = ", ".join(map(_place, candidates))
            raise MetadataError(f"{target!r} may be {places}: write the module's name before it")
        known = sorted({meta.cls.__name__ for meta in (*self.nodes, *self.edges)})
        hint = suggest(target, known) or f"; known are: {', '.join(known) or 'none'}"
        raise MetadataError(
            f"no model is named {target!r}{hint} (a model is known once its module was imported)"
        )

    def find(self, name: str, near: type[Any] | None = None) -> type[Any] | None:
        """The class of that name, or ``None`` if there is none, or more than one."""
        candidates = [meta.cls for meta in (*self.nodes, *self.edges) if meta.cls.__name__ == name]
        if len(candidates) > 1 and near is not None:
            candidates = _nearest(candidates, near)
        return candidates[0] if len(candidates) == 1 else None

    def _candidates(self, name: str) -> list[type[Any]]:
        classes = [meta.cls for meta in (*self.nodes, *self.edges)]
        for matches in (
            [cls for cls in classes if cls.__name__ == name],
            [cls for cls in classes if name in (_key(cls), cls.__qualname__)],
            [meta.cls for meta in self.nodes if meta.primary_label == name],
            [meta.cls for meta in self.edges if meta.type == name],
        ):
            if matches:
                return matches
        return []

    def node_by_label(self, label: str) -> NodeMeta | None:
        """The class whose primary label this is; of a base and its subclass, the base."""
        return next((meta for meta in self.nodes if meta.primary_label == label), None)

    def edge_by_type(self, name: str) -> EdgeMeta | None:
        """The class whose relationship type this is."""
        return next((meta for meta in self.edges if meta.type == name), None)

    def root_of(self, cls: type[Any]) -> type[Any]:
        """The class that stands for the whole hierarchy of ``cls``; see :attr:`NodeMeta.root`."""
        version, roots = self._roots
        if version != self.version:
            with self._lock:
                version = self.version
                roots = _find_roots(self.nodes)
                self._roots = version, roots
        found = roots.get(cls)
        if found is None:
            # Not registered any more (redefined, or restored over): its own hierarchy.
            found = [base for base in cls.__mro__ if _is_node_model(base)][-1]
        return found

    def finalize(self) -> None:
        """Resolve and check every model: annotations, targets, edge models, indexes.

        Call it once after all modules with models were imported, to learn of mistakes at the start.
        Without it, the same is checked on first use of each model and relation. ``Person.company.target``,
        given as a name, is the class afterwards, and so is ``edge_model``.

        Raises:
            MetadataError: all that is wrong, one line each.
        """
        faults: list[str] = []
        for meta in (*self.nodes, *self.edges):
            try:
                meta.finalize()
            except MetadataError as error:
                faults.append(str(error))
            for relation in meta.relations if isinstance(meta, NodeMeta) else ():
                try:
                    resolution.finalize_relation(relation)
                except MetadataError as error:
                    faults.append(str(error))
        if faults:
            raise MetadataError("\n".join(faults))

    def snapshot(self) -> _MetaSnapshot:
        """What is registered now, for :meth:`restore`."""
        with self._lock:
            return _MetaSnapshot(self.nodes, self.edges)

    def restore(self, snapshot: _MetaSnapshot) -> None:
        """Make exactly those classes registered that were when ``snapshot`` was taken.

        Tests that define models use it to leave no trace. Classes defined since then keep working,
        but are not found by name or label any more.
        """
        with self._lock:
            self._nodes = {_key(meta.cls): meta for meta in snapshot.nodes}
            self._edges = {_key(meta.cls): meta for meta in snapshot.edges}
            self.version += 1

    def __repr__(self) -> str:
        return f"<MetaData: {len(self._nodes)} nodes, {len(self._edges)} edges>"


_TWICE = "rename one, or register them apart: class Base(Node, metadata=MetaData())"

#: The registry of all models that do not say otherwise.
metadata: MetaData = MetaData()


def node_meta(cls: type[Any]) -> NodeMeta:
    """What is known of a Node class, checked.

    Raises:
        TypeError: ``cls`` is no class.
        MetadataError: it is no Node class with nodes of its own, or its declaration is wrong.
    """
    meta = _meta_of(cls)
    if isinstance(meta, NodeMeta):
        if meta.ready:
            return meta
        if not meta.abstract:
            meta.finalize()
            return meta
    raise _no_model(cls, meta, "Node")


def edge_meta(cls: type[Any]) -> EdgeMeta:
    """What is known of an Edge class, checked.

    Raises:
        TypeError: ``cls`` is no class.
        MetadataError: it is no Edge class with a type, or its declaration is wrong.
    """
    meta = _meta_of(cls)
    if isinstance(meta, EdgeMeta):
        if meta.ready:
            return meta
        if not meta.abstract:
            meta.finalize()
            return meta
    raise _no_model(cls, meta, "Edge")


def _meta_of(cls: object) -> NodeMeta | EdgeMeta | None:
    if not isinstance(cls, type):
        raise TypeError(f"expected a model class, not {cls!r}")
    return cls.__dict__.get("_runic_meta")


def _no_model(cls: type[Any], meta: NodeMeta | EdgeMeta | None, kind: str) -> MetadataError:
    if meta is None:
        return MetadataError(f"{_place(cls)} is no {kind} model: derive it from {kind}")
    if not meta.abstract:
        other = _article("Edge" if isinstance(meta, EdgeMeta) else "Node")
        return MetadataError(f"{_place(cls)} is {other}, where {_article(kind)} model is needed")
    missing = "labels=[...]" if kind == "Node" else 'type="..."'
    return MetadataError(f"{_place(cls)} is abstract, a base for other models only: give it {missing}")


def _article(kind: str) -> str:
    return f"an {kind}" if kind == "Edge" else f"a {kind}"


def _own_meta[M](cls: type[Any], kind: type[M], name: str) -> M:
    meta = _meta_of(cls)
    if not isinstance(meta, kind):
        raise MetadataError(f"{_place(cls)} is no subclass of {name}")
    return meta


def _is_node_model(cls: type[Any]) -> bool:
    meta = cls.__dict__.get("_runic_meta")
    return isinstance(meta, NodeMeta) and not meta.abstract


def _find_roots(nodes: Iterable[NodeMeta]) -> dict[type[Any], type[Any]]:
    """Class -> first defined class of its hierarchy; a class with two bases joins their hierarchies."""
    parent: dict[type[Any], type[Any]] = {}

    def find(cls: type[Any]) -> type[Any]:
        while parent[cls] is not cls:
            cls = parent[cls]
        return cls

    classes = [meta.cls for meta in nodes]
    order = {cls: position for position, cls in enumerate(classes)}
    for cls in classes:
        parent[cls] = cls
        for base in cls.__mro__[1:]:
            if base in parent:
                first, second = sorted((find(base), find(cls)), key=order.__getitem__)
                parent[second] = first
    return {cls: find(cls) for cls in classes}


def _key(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


_place = _key


def _nearest(candidates: list[type[Any]], near: type[Any]) -> list[type[Any]]:
    """Of classes with one name those of the same function, else of the same module, else all."""
    scope = _key(near).rpartition(".")[0]
    return (
        [cls for cls in candidates if _key(cls).rpartition(".")[0] == scope]
        or [cls for cls in candidates if cls.__module__ == near.__module__]
        or candidates
    )
