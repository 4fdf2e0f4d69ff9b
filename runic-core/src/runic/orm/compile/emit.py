"""Emit: the statement tree as Cypher, by one method per node class.

Methods are found by a table made when an emitter class is made: quick, and overridable per backend
without touching the others. A method that names no node class is an error at import; a node class
without method is refused by name when a statement has it.
"""

# visit_Match and the like name node classes, and what they do is emit these.
# ruff: noqa: N802, D102

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.compile.dialect import Capability
from runic.orm.compile.operators import check_operator, comparable
from runic.orm.compile.parameters import encoder_of
from runic.orm.compile.reserved import RESERVED
from runic.orm.exceptions import UnsupportedByBackendError
from runic.orm.query import ir

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect

__all__ = ["SCORE", "Emitter", "all_of"]

#: The variable of a search's score.
SCORE = "__score"

#: Stands for a number that is written out, in the form for display.
HOLE = "\0"


class Emitter:
    """Makes the text of one statement.

    Attributes:
        dialect: the backend's Cypher.
        display: whether the text is to be read: names are quoted only where they must be, sort directions
            are spelled out, and SKIP and LIMIT are numbers.
        binds: (parameter name, slot, encoder) in order of appearance.
        holes: the slots of numbers that are written out.
        bound: the variables in scope, in order; those of statements, not those of subqueries.
    """

    _table: ClassVar[dict[type, Callable[[Any, Any], str]]] = {}

    def __init__(self, dialect: Dialect, *, display: bool) -> None:
        self.dialect = dialect
        self.display = display
        self.binds: list[tuple[str, int, Callable[[Any], Any] | None]] = []
        self.holes: list[int] = []
        self.bound: list[str] = []
        self._placeholders: dict[int, str] = {}
        self._numbered = 0

    def __init_subclass__(cls) -> None:
        cls._table = _make_table(cls)

    def visit(self, node: ir.IRNode) -> str:
        """The Cypher of a node.

        Raises:
            UnsupportedByBackendError: the backend has no such thing.
        """
        method = self._table.get(type(node))
        if method is None:
            raise UnsupportedByBackendError(self.dialect.name, type(node).__name__)
        return method(self, node)

    def name(self, name: str) -> str:
        """A name as it is written: always quoted in what is sent."""
        if self.display and name.upper() not in RESERVED:
            return name
        return self.dialect.quote(name)

    def wrap(self, text: str, columns: tuple[str, ...]) -> str:
        """The finished text; backends that put Cypher into another language override it."""
        del columns
        return text

    # -- expressions -------------------------------------------------------------------------------

    def visit_Variable(self, node: ir.Variable) -> str:
        return self.name(node.name)

    def visit_Property(self, node: ir.Property) -> str:
        suffix, _ = self.dialect.codec(node.type).compare
        return f"{self.name(node.variable)}.{self.name(node.name + suffix)}"

    def visit_Identity(self, node: ir.Identity) -> str:
        return self.dialect.identity.format(v=self.name(node.variable))

    def visit_Constant(self, node: ir.Constant) -> str:
        return "true" if node.value else "false"

    def visit_Score(self, node: ir.Score) -> str:  # noqa: ARG002
        return self.name(SCORE)

    def visit_Bind(self, node: ir.Bind) -> str:
        if node.role is ir.Role.COUNT and self.display:
            self.holes.append(node.slot)
            return HOLE
        placeholder = self._placeholders.get(node.slot)
        if placeholder is None:
            name = node.name
            if name is None:
                name = f"p{self._numbered}"
                self._numbered += 1
            self.binds.append((name, node.slot, encoder_of(node, self.dialect)))
            placeholder = self._placeholders[node.slot] = f"${name}"
        return placeholder

    def visit_Comparison(self, node: ir.Comparison) -> str:
        left, op, right = node.left, node.op, node.right
        if isinstance(left, ir.Property):
            check_operator(left, op, self.dialect)
            if isinstance(right, ir.Property | ir.Identity):
                comparable(left, right, self.dialect)
        left_text = self.compared(left, op)
        right_text = self._right(left, right)
        if op == "=~":
            self.dialect.require(Capability.REGEX)
            return self.dialect.regex.format(l=left_text, r=right_text)
        return f"{left_text} {op} {right_text}"

    def compared(self, left: ir.Expression, op: str) -> str:
        """The left side of a comparison; backends override it where an index would answer wrongly."""
        del op
        return self.visit(left)

    def _right(self, left: ir.Expression, right: ir.Expression) -> str:
        text = self.visit(right)
        if (
            not (isinstance(right, ir.Bind) and isinstance(left, ir.Property))
            or right.role is ir.Role.PATTERN
        ):
            return text
        _, template = self.dialect.codec(left.type).compare
        if template == "{v}":
            return text
        if right.role is ir.Role.LIST:
            return f"[x IN {text} | {template.format(v='x')}]"
        return template.format(v=text)

    def visit_NullTest(self, node: ir.NullTest) -> str:
        return f"{self.own(node.operand)} IS {'NOT ' if node.negated else ''}NULL"

    def visit_HasLabels(self, node: ir.HasLabels) -> str:
        return self.name(node.variable) + "".join([f":{self.name(label)}" for label in node.labels])

    def visit_Logical(self, node: ir.Logical) -> str:
        if node.op == "OR":  # AND binds tighter
            return " OR ".join([self.visit(part) for part in node.operands])
        return " AND ".join(
            [
                f"({self.visit(part)})" if type(part) is ir.Logical else self.visit(part)
                for part in node.operands
            ]
        )

    def visit_Not(self, node: ir.Not) -> str:
        text = self.visit(node.operand)
        return f"NOT ({text})" if type(node.operand) is ir.Logical else f"NOT {text}"

    def visit_Call(self, node: ir.Call) -> str:
        if node.function == "distance":
            self.dialect.require(Capability.POINT)
        arguments = [
            self.dialect.point.format(v=self.visit(each)) if isinstance(each, ir.Bind) else self.own(each)
            for each in node.arguments
        ]
        function = self.dialect.functions.get(node.function, node.function)
        return f"{function}({', '.join(arguments)})"

    def visit_Aggregate(self, node: ir.Aggregate) -> str:
        argument = node.argument
        if isinstance(argument, ir.Property):
            if node.function in ("min", "max", "sum", "avg"):
                check_operator(argument, node.function, self.dialect)
            text = self._collected(argument) if node.function == "collect" else self.visit(argument)
        else:
            text = "*" if argument is None else self.visit(argument)
        function = self.dialect.functions.get(node.function, node.function)
        return f"{function}({'DISTINCT ' if node.distinct else ''}{text})"

    def _collected(self, node: ir.Property) -> str:
        text = self.read(node)
        own = self.own(node)
        # collect() leaves nulls out, but a value read from several parts is never null itself.
        return text if text == own else f"CASE WHEN {own} IS NULL THEN null ELSE {text} END"

    def read(self, node: ir.Expression) -> str:
        """An expression as a result reads it: a field's value may take more than its property."""
        if not isinstance(node, ir.Property):
            return self.visit(node)
        codec = self.dialect.codec(node.type)
        variable = self.name(node.variable)
        names = {
            "p" if position == 0 else f"p{position}": f"{variable}.{self.name(node.name + suffix)}"
            for position, (suffix, _) in enumerate(codec.writes)
        }
        return codec.read.format(**names)

    def own(self, node: ir.Expression) -> str:
        """A property itself, not what stands beside it to be compared."""
        if isinstance(node, ir.Property):
            return f"{self.name(node.variable)}.{self.name(node.name)}"
        return self.visit(node)

    def visit_Exists(self, node: ir.Exists) -> str:
        return self.subquery("EXISTS", node)

    def visit_CountOf(self, node: ir.CountOf) -> str:
        return self.subquery("COUNT", node)

    def subquery(self, keyword: str, node: ir.Exists | ir.CountOf) -> str:
        """``EXISTS { ... }`` or ``COUNT { ... }``."""
        self.dialect.require(Capability.EXISTS_SUBQUERY)
        where = "" if node.where is None else f" WHERE {self.visit(node.where)}"
        return f"{keyword} {{ MATCH {self.visit(node.path)}{where} }}"

    # -- patterns ----------------------------------------------------------------------------------

    def visit_NodePattern(self, node: ir.NodePattern) -> str:
        labels = "".join([f":{self.name(label)}" for label in node.labels])
        return f"({self.name(node.variable)}{labels})"

    def visit_EdgePattern(self, node: ir.EdgePattern) -> str:
        variable = self.name(node.variable) if node.variable is not None else ""
        hops = ""
        if not node.single:
            self.dialect.require(Capability.VARIABLE_LENGTH)
            # No server takes these as parameters; they are ints, checked when the step was made.
            hops = f"*{node.min_hops:d}..{'' if node.max_hops is None else f'{node.max_hops:d}'}"
        left = "<-" if node.direction == "INCOMING" else "-"
        right = "->" if node.direction == "OUTGOING" else "-"
        return f"{left}[{variable}:{self.name(node.type)}{hops}]{right}"

    def visit_Path(self, node: ir.Path) -> str:
        return "".join([self.visit(element) for element in node.elements])

    # -- clauses -----------------------------------------------------------------------------------

    def where(self, predicate: ir.Expression | None) -> str:
        """The WHERE of a clause on a line of its own, if there is one."""
        return "" if predicate is None else f"\nWHERE {self.visit(predicate)}"

    def clause(self, node: ir.Clause) -> str:
        """The Cypher of a clause of the statement itself, whose variables are in scope from here on."""
        match node:
            case ir.Match():
                self.bind(*[element.variable for path in node.paths for element in path.elements])
            case ir.With():
                self.bound = [*node.variables, *([SCORE] if node.score else ())]
            case ir.FulltextSearch():
                self.bind(node.variable, SCORE if node.score else None)
            case ir.VectorSearch():
                self.bind(node.variable)
            case _:
                pass
        return self.visit(node)

    def bind(self, *variables: str | None) -> None:
        """Take variables into scope."""
        self.bound += [each for each in variables if each is not None and each not in self.bound]

    def visit_Match(self, node: ir.Match) -> str:
        keyword = "OPTIONAL MATCH" if node.optional else "MATCH"
        return f"{keyword} {', '.join([self.visit(path) for path in node.paths])}{self.where(node.where)}"

    def visit_With(self, node: ir.With) -> str:
        names = [*node.variables, SCORE] if node.score else node.variables
        return f"WITH {', '.join(map(self.name, names))}{self.where(node.where)}"

    def before_result(self, result: ir.Return) -> str:
        """A clause that the result needs before it, for backends that compute some of it in one."""
        del result
        return ""

    def visit_Rows(self, node: ir.Rows) -> str:
        items = [
            self.visit(item.expression)
            if isinstance(item.expression, ir.Variable)
            else f"{self.visit(item.expression)} AS {self.name(f'__s{position}')}"
            for position, item in enumerate(node.items)
        ]
        return f"WITH {'DISTINCT ' if node.distinct else ''}{', '.join(items)}"

    def visit_FulltextSearch(self, node: ir.FulltextSearch) -> str:
        dialect = self.dialect
        dialect.require(Capability.FULLTEXT)
        if dialect.fulltext is None:
            raise UnsupportedByBackendError(dialect.name, Capability.FULLTEXT.value)
        text = self.hits(node)
        if not node.relative:
            return text + self.where(all_of(node.within, node.where))
        return f"{text}{self.where(node.within)}\n{self.relative(node)}{self.where(node.where)}"

    def hits(self, node: ir.FulltextSearch) -> str:
        """What the index of a fulltext search finds, with the server's own scores if they are used."""
        assert self.dialect.fulltext is not None
        text = self.dialect.fulltext.format(
            label=f"'{node.label}'", query=self.visit(node.query), v=self.name(node.variable)
        )
        return text + self.dialect.fulltext_score.format(s=self.name(SCORE)) if node.score else text

    def relative(self, node: ir.FulltextSearch) -> str:
        """The scores of hits divided by that of the best one, so that they mean the same everywhere.

        Before any predicate of the user, which must not change what a hit is worth. One pass over the hits:
        searching again for the best one might see another state of the database.
        """
        variable, score = self.name(node.variable), self.name(SCORE)
        hits, hit, best = map(self.name, ("__hits", "__hit", "__best"))
        return (
            f"WITH collect([{variable}, {score}]) AS {hits}, max({score}) AS {best}\n"
            f"UNWIND {hits} AS {hit}\n"
            f"WITH {hit}[0] AS {variable}, {self.share(f'{hit}[1]', best)} AS {score}"
        )

    def share(self, score: str, best: str) -> str:
        """A score as a share of the best one; where the server rates no hit above 0, each is the best."""
        return f"CASE WHEN {best} > 0 THEN {score} / {best} ELSE 1.0 END"

    def visit_VectorSearch(self, node: ir.VectorSearch) -> str:
        dialect = self.dialect
        dialect.require(Capability.VECTOR)
        if dialect.vector is None:
            raise UnsupportedByBackendError(dialect.name, Capability.VECTOR.value)
        if node.where is None and not node.exact:
            self.bind(SCORE)
            return self.similar(node, 1) + self.where(node.score_where)
        value = self.similarity(node)
        best = f"ORDER BY {self.name(SCORE)} DESC"
        carried = f"WITH {self.name(node.variable)}, {self.name(SCORE)}"
        if value is None:
            # The index knows nothing of the filter: ask it for more than k, and keep the k best.
            self.bind(SCORE)
            head = f"{self.similar(node, dialect.vector_overfetch)}{self.where(node.where)}"
            scored = carried
        else:
            # An index cannot promise k hits that satisfy a predicate; the exact score over those can.
            path = ir.Path((ir.NodePattern(node.variable, (node.label,)),))
            present = ir.NullTest(node.property, negated=True)
            head = f"MATCH {self.visit(path)}{self.where(all_of(node.where, present))}"
            scored = f"WITH {self.name(node.variable)}, {value} AS {self.name(SCORE)}"
        self.bind(SCORE)
        text = f"{head}\n{scored}"
        if node.score_where is not None:
            text += self.where(node.score_where)
        if node.score_where is not None or not dialect.order_by_alias:
            text += f"\n{carried}"
        return f"{text}\n{best}\nLIMIT {self.visit(node.k)}"

    def similar(self, node: ir.VectorSearch, times: int) -> str:
        """What :meth:`indexed` finds, with similarities where the index tells distances."""
        text = self.indexed(node, times)
        template = self.dialect.vector_similarity.get(node.similarity)
        if template is None:
            return text
        score = self.name(SCORE)
        return f"{text}\nWITH {self.name(node.variable)}, {template.format(s=score)} AS {score}"

    def similarity(self, node: ir.VectorSearch) -> str | None:
        """The score of a node computed without an index, where the server can."""
        template = self.dialect.vector_exact.get(node.similarity)
        return template and template.format(p=self.own(node.property), vector=self.vector(node))

    def vector(self, node: ir.VectorSearch) -> str:
        """The vector searched for."""
        _, template = self.dialect.codec(node.property.type).compare
        return template.format(v=self.visit(node.vector))

    def indexed(self, node: ir.VectorSearch, times: int) -> str:
        """The nodes nearest to the vector by the index, ``times`` as many as asked for, and their scores."""
        assert self.dialect.vector is not None
        k = self.visit(node.k)
        return self.dialect.vector.format(
            label=f"'{node.label}'",
            property=f"'{node.property.name}'",
            k=k if times == 1 else f"{k} * {times}",
            vector=self.vector(node),
            v=self.name(node.variable),
            s=self.name(SCORE),
        )


def all_of(*predicates: ir.Expression | None) -> ir.Expression | None:
    """The conjunction of those predicates that there are."""
    parts: list[ir.Expression] = []
    for each in predicates:
        if isinstance(each, ir.Logical) and each.op == "AND":
            parts += each.operands
        elif each is not None:
            parts.append(each)
    if len(parts) < 2:
        return parts[0] if parts else None
    return ir.Logical("AND", tuple(parts))


def _make_table(cls: type[Emitter]) -> dict[type, Callable[[Any, Any], str]]:
    known = ir.node_types()
    table: dict[type, Callable[[Any, Any], str]] = {}
    for each in reversed(cls.__mro__):
        for name, method in vars(each).items():
            if name.startswith("visit_"):
                node = known.get(name.removeprefix("visit_"))
                if node is None:
                    raise TypeError(f"{cls.__name__}.{name} names no node of a statement")
                # None says that this backend has no such thing.
                if method is None:
                    table.pop(node, None)
                else:
                    table[node] = method
    return table


Emitter._table = _make_table(Emitter)  # pyright: ignore[reportPrivateUsage]
