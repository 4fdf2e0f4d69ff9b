"""What a statement returns, in which order: the second half of the assembly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import QueryError
from runic.orm.query import ir
from runic.orm.query.scope import Source, field_of, property_of

if TYPE_CHECKING:
    from runic.orm.query.assemble import Assembler
    from runic.orm.query.normal import Key
    from runic.orm.query.terms import Term

__all__ = ["build_result"]


def build_result(assembler: Assembler, steps: list[tuple[Key, int]]) -> ir.Return:
    """The RETURN of a statement, from the steps that speak of it and the slots of their values.

    Raises:
        QueryError: an unknown name, a clash of names, or an order by something not returned.
    """
    return _Result(assembler, steps).build()


class _Result:
    def __init__(self, assembler: Assembler, steps: list[tuple[Key, int]]) -> None:
        self.assembler = assembler
        self.scope = assembler.scope
        self.orders: list[tuple[Key, int]] = []
        self.projected: list[tuple[Any, str | None, int]] = []
        self.groups: list[tuple[Key, int]] = []
        self.aggregates: list[Key] = []
        self.nodes: tuple[str, ...] = ()
        self.edges: list[str] = []
        self.target: str | None = None
        self.distinct = False
        for step, slot in steps:
            self._read(step, slot)

    def _read(self, step: Key, slot: int) -> None:
        kind = step[0]
        if kind == "order":
            self.orders.append((step, slot))
        elif kind == "project":
            for key, label, width in step[1]:
                self.projected.append((key, label, slot))
                slot += width
        elif kind == "aggregate":
            self.aggregates += step[1]
            self.groups += [(key, slot) for key in step[2]]
        elif kind == "target":
            self.target = step[1]
        elif kind == "nodes":
            self.nodes = step[1]
        elif kind == "edge":
            self.edges.append(step[1])
        else:
            assert kind == "distinct", kind
            self.distinct = True

    def build(self) -> ir.Return:
        items = _distinguish(self._items())
        result = ir.Return(tuple(items), self.distinct)
        order = [term for step, slot in self.orders for term in self._order(step, slot, result)]
        if not order and self.assembler.search is not None and not (self.distinct or result.aggregated):
            order = [self._by_score(descending=True)]
        return replace(result, order=tuple(order))

    # -- items -------------------------------------------------------------------------------------

    def _items(self) -> list[ir.ReturnItem]:
        items: list[ir.ReturnItem] = []
        nodes = [self._entity(alias, "return_nodes", edge=False) for alias in self.nodes]
        edges = [self._entity(alias, "return_edge", edge=True) for alias in self.edges]
        for position in range(max(len(nodes), len(edges))):
            items += nodes[position : position + 1] + edges[position : position + 1]
        for key, label, slot in self.projected:
            items.append(self._item(key, label, slot, "project"))
        for key, slot in self.groups:
            items.append(self._item(key, None, slot, "aggregate"))
        items += [self._aggregate(key) for key in self.aggregates]
        if self.target is not None:
            target = self._target(self.target)
            if all(item.expression != target.expression for item in items):
                if self.projected or self.aggregates:
                    raise QueryError(
                        f"return_target({self.target!r}) contradicts project() and aggregate(): to return"
                        f" the node beside values, use group_by={self.target!r} or project({self.target!r},"
                        " ...)"
                    )
                items.append(target)
        return items or [self._default()]

    def _default(self) -> ir.ReturnItem:
        for alias in reversed(self.assembler.order_of_aliases):
            if alias in self.scope.sources:
                return self._target(alias)
        raise QueryError("with_() carried no node on, so there is nothing to return: name one in with_()")

    def _target(self, alias: str) -> ir.ReturnItem:
        return self._of_source(self.scope.named(alias))

    def _entity(self, alias: str, method: str, *, edge: bool) -> ir.ReturnItem:
        source = self.scope.named(alias)
        if (source.edge_type is not None) is not edge:
            raise QueryError(
                f"{method}({alias!r}): {source.described} is a {'node' if edge else 'relationship'}; use"
                f" {'return_nodes' if edge else 'return_edge'}()"
            )
        return self._of_source(source)

    def _of_source(self, source: Source) -> ir.ReturnItem:
        if source.model is None:
            raise QueryError(
                f"{source.described} cannot be returned as an object, because its relation declares no"
                " edge_model"
            )
        kind = ir.ItemKind.NODE if source.edge_type is None else ir.ItemKind.EDGE
        return ir.ReturnItem(
            ir.Variable(source.alias),
            kind,
            source.alias,
            model=source.model,
            nullable=source.nullable,
        )

    def _item(self, key: Key, label: str | None, slot: int, method: str) -> ir.ReturnItem:
        kind = key[0]
        if kind == "aggregate":
            return self._aggregate(key)
        if kind == "term":
            return self._term_item(key[1], method)
        self.assembler.slot = slot
        expression = self.assembler.operand(key, None)
        if isinstance(expression, ir.Property):
            return ir.ReturnItem(expression, ir.ItemKind.SCALAR, expression.name, label, type=expression.type)
        if isinstance(expression, ir.Identity):
            return ir.ReturnItem(expression, ir.ItemKind.SCALAR, key[2], label)
        type_ = ir.INTEGER if isinstance(expression, ir.CountOf) else ir.FLOAT
        return ir.ReturnItem(expression, ir.ItemKind.SCALAR, label or kind, label, type=type_)

    def _term_item(self, term: Term, method: str) -> ir.ReturnItem:
        function, alias, name = term
        if alias is None and function is None and name in {*self.scope.sources, *self.scope.renamed}:
            return self._target(name)
        expression = self._property(alias, name, method)
        if function is not None:
            call = ir.Call(function, (expression,))
            return ir.ReturnItem(
                call, ir.ItemKind.SCALAR, f"{function}({name})", type=_function_type(function, expression)
            )
        type_ = expression.type if isinstance(expression, ir.Property) else None
        return ir.ReturnItem(expression, ir.ItemKind.SCALAR, name, type=type_)

    def _property(self, alias: str | None, name: str, method: str) -> ir.Property | ir.Identity:
        if alias is not None:
            source = self.scope.named(alias)
        else:
            source = self.scope.find(self.assembler.root, name, None)
        if source.model is None:
            raise QueryError(
                f"{method}({name!r}): {source.described} has no model, so its fields are unknown"
            )
        return property_of(source, field_of(source.model, name))

    def _aggregate(self, key: Key) -> ir.ReturnItem:
        _, function, argument, distinct, label = key
        expression: ir.Expression | None
        if argument == "*":
            expression = None
        elif isinstance(argument, str):
            from runic.orm.query.terms import parse_name

            expression = self._term_item(parse_name(argument, function), function).expression
        else:
            expression = self.assembler.operand(argument, None)
        if expression is None and (function != "count" or distinct):
            raise QueryError(
                f"{function}({'DISTINCT ' if distinct else ''}*) is nothing: name a field or an alias"
            )
        text = f"{function}({'DISTINCT ' if distinct else ''}{_shown(expression)})"
        value = ir.Aggregate(function, expression, distinct)
        kind, model, type_ = ir.ItemKind.SCALAR, None, _aggregate_type(function, expression)
        if isinstance(expression, ir.Variable):
            if function not in ("count", "collect"):
                raise QueryError(f"{text}: only count() and collect() take a whole node or relationship")
            if function == "collect":
                source = self.scope.named(expression.name)
                model = source.model
                kind = ir.ItemKind.NODES if source.edge_type is None else ir.ItemKind.EDGES
        elif function == "collect":
            kind = ir.ItemKind.LIST
        return ir.ReturnItem(value, kind, label or text, label, model, type_)

    # -- order -------------------------------------------------------------------------------------

    def _order(self, step: Key, slot: int, result: ir.Return) -> list[ir.OrderItem]:
        _, key, descending = step
        restricted = result.distinct or result.aggregated
        kind = key[0]
        if kind == "term":
            return [self._order_term(key[1], descending, result, restricted)]
        if kind == "aggregate":
            expression = self._aggregate(key).expression
            for position, item in enumerate(result.items):
                if item.expression == expression:
                    return [ir.OrderItem(item.expression, descending, position)]
            raise QueryError(
                f"order_by({_shown(expression)}): the aggregation is not returned; add it to aggregate()"
            )
        if kind == "field":
            return [self._order_field(key, descending, result, restricted)]
        if kind == "score" and not restricted and self.assembler.search is not None:
            return [self._by_score(descending)]
        self.assembler.slot = slot
        expression = self.assembler.operand(key, None, _returned(result))
        if restricted:
            for position, item in enumerate(result.items):
                if item.expression == expression:
                    return [ir.OrderItem(item.expression, descending, position)]
            raise QueryError(
                "after distinct() or aggregate() the order may only use what is returned: return"
                f" {kind}() under a name, by project(... .as_('x')), and order by 'x'"
            )
        return [ir.OrderItem(expression, descending)]

    def _by_score(self, descending: bool) -> ir.OrderItem:
        self.assembler.uses_score = True
        return ir.OrderItem(ir.Score(), descending)

    def _order_field(self, key: Key, descending: bool, result: ir.Return, restricted: bool) -> ir.OrderItem:
        _, cls, prop, _ = key
        if not restricted:
            return ir.OrderItem(self.assembler.operand(key, None, _returned(result)), descending)
        choices = self._returned_choices(cls, prop, result)
        if len(choices) == 1:
            return ir.OrderItem(choices[0][0], descending, choices[0][1])
        where = "after distinct() or aggregate() the order may only use what is returned"
        if not choices:
            source = self.scope.find(cls, prop, None)
            raise QueryError(
                f"order_by({cls.__name__}.{prop}): {where}, and {source.described} is not among"
                f" {', '.join(repr(item.name) for item in result.items)}"
            )
        names = " and ".join(_shown(expression) for expression, _ in choices)
        raise QueryError(
            f"order_by({cls.__name__}.{prop}) may mean {names}: name one, e.g. order_by('alias.{prop}')"
        )

    def _returned_choices(
        self, cls: type, prop: str, result: ir.Return
    ) -> list[tuple[ir.Expression, int | None]]:
        choices: list[tuple[ir.Expression, int | None]] = []
        for position, item in enumerate(result.items):
            expression = item.expression
            if isinstance(expression, ir.Property | ir.Identity):
                source = self.scope.named(expression.variable)
                if source.carries(cls) and expression.owner.rpartition(".")[2] == prop:
                    choices.append((expression, position))
            elif isinstance(expression, ir.Variable):
                source = self.scope.named(expression.name)
                if source.carries(cls):
                    choices.append((property_of(source, field_of(source.model or cls, prop)), None))
        # A field that is returned itself and with its node is one and the same.
        return choices if len({expression for expression, _ in choices}) > 1 else choices[:1]

    def _order_term(self, term: Term, descending: bool, result: ir.Return, restricted: bool) -> ir.OrderItem:
        function, alias, name = term
        if alias is None and function is None:
            for position, item in enumerate(result.items):
                if item.name == name and item.kind is ir.ItemKind.SCALAR:
                    return ir.OrderItem(item.expression, descending, position)
            if name in ("score", "__score") and self.assembler.search is not None and not restricted:
                return self._by_score(descending)
        expression = self._property(alias, name, "order_by")
        for position, item in enumerate(result.items):
            if item.expression == expression and function is None:
                return ir.OrderItem(expression, descending, position)
        if restricted and all(item.expression != ir.Variable(expression.variable) for item in result.items):
            raise QueryError(
                f"order_by('{expression.variable}.{name}'): after distinct() or aggregate() the order may"
                f" only use what is returned: {', '.join(repr(item.name) for item in result.items)}"
            )
        value: ir.Expression = expression if function is None else ir.Call(function, (expression,))
        return ir.OrderItem(value, descending)


def _returned(result: ir.Return) -> list[str]:
    return [item.expression.name for item in result.items if isinstance(item.expression, ir.Variable)]


def _distinguish(items: list[ir.ReturnItem]) -> list[ir.ReturnItem]:
    """Give fields that share a name the name with their alias; refuse other clashes."""
    shared = {name for name, times in Counter(item.name for item in items).items() if times > 1}
    named = [
        replace(item, name=f"{item.expression.variable}.{item.name}")
        if item.name in shared
        and isinstance(item.expression, ir.Property | ir.Identity)
        and item.alias is None
        else item
        for item in items
    ]
    for name, times in Counter(item.name for item in named).items():
        if times > 1:
            raise QueryError(f"{name!r} is returned {times} times: name one of them with .as_('other')")
    return named


def _shown(expression: ir.Expression | None) -> str:
    match expression:
        case None:
            return "*"
        case ir.Variable():
            return expression.name
        case ir.Property():
            return f"{expression.variable}.{expression.name}"
        case ir.Identity():
            return f"{expression.variable}.{expression.owner.rpartition('.')[2]}"
        case ir.Aggregate():
            return f"{expression.function}({_shown(expression.argument)})"
        case ir.Call():
            return f"{expression.function}({', '.join(map(_shown, expression.arguments))})"
        case ir.CountOf():
            return "count_of"
        case _:
            return type(expression).__name__.lower()


def _aggregate_type(function: str, argument: ir.Expression | None) -> FieldType | None:
    if function == "count":
        return ir.INTEGER
    type_ = argument.type if isinstance(argument, ir.Property) else None
    if function == "avg" and (type_ is None or type_.kind is not Kind.TIMEDELTA):
        return ir.FLOAT
    if isinstance(argument, ir.Call | ir.Score):
        return ir.FLOAT
    return ir.INTEGER if isinstance(argument, ir.CountOf) else type_


def _function_type(function: str, argument: ir.Property | ir.Identity) -> FieldType | None:
    if function in ("toLower", "toUpper", "trim"):
        return ir.STRING
    if function == "size":
        return ir.INTEGER
    if function in ("ceil", "floor", "round"):
        return ir.FLOAT
    return argument.type if isinstance(argument, ir.Property) else None
