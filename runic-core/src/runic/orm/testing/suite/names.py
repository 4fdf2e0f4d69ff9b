"""Names: every valid one works on every backend, every other one is refused when it is declared."""

from __future__ import annotations

import keyword
from typing import Any, ClassVar

import pytest

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.exceptions import InvalidNameError, MetadataError, QueryError
from runic.orm.query.builder import select
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Person
from runic.orm.testing.suite.base import LiveSuite, StaticSuite
from runic.orm.testing.values import BAD_NAMES, GOOD_NAMES

__all__ = ["BaseNames", "BaseRefusedNames", "TestNames", "TestRefusedNames"]

REGISTRY = MetaData()


def model_of(name: str, number: int) -> tuple[type[Any], type[Any]]:
    """A model whose label and property are ``name``, and whose relationship type is nearly that."""
    label, name = name, own_name(name)
    # A label and a relationship type may not share a name on every backend.
    edge_name = f"{name[:60]}_e" if len(name) < 62 else f"{name[:61]}_e"
    registry = MetaData()
    base = type(f"Base{number}", (Node,), {}, metadata=registry)
    edge = type(
        f"Edge{number}",
        (Edge,),
        {"__annotations__": {name: str, "key": int}, name: Field(default=""), "key": Field(default=0)},
        type=edge_name,
        metadata=registry,
    )
    body: dict[str, Any] = {
        "__annotations__": {"key": str, f"{name}": str, "others": f"list[Model{number}]"},
        "__module__": __name__,
        "key": Field(primary_key=True),
        name: Field(default=""),
        "others": Relation(
            relationship=edge_name, direction="OUTGOING", target=f"Model{number}", edge_model=edge
        ),
    }
    model = type(f"Model{number}", (base,), body, labels=[label])
    return model, edge


def own_name(name: str) -> str:
    """``name`` as a field can have it: no keyword of Python."""
    return f"{name}_" if keyword.iskeyword(name) else name


class BaseNames(LiveSuite):
    """Every valid name works as label, property, relationship type and alias."""

    area: ClassVar[str] = "names"

    async def test_valid_names_work_everywhere(self, kit: Kit) -> None:
        wrong: list[str] = []
        for number, name in enumerate(GOOD_NAMES):
            if len(name.encode()) > kit.dialect.max_name_bytes:
                continue
            kit.harness.reset(kit.drivers.sync)
            try:
                await self._use(kit, name, number)
            except Exception as error:  # collected below
                wrong.append(f"{name}: {type(error).__name__}: {error}")
        assert not wrong, "\n".join(wrong)

    async def _use(self, kit: Kit, name: str, number: int) -> None:
        model, edge = model_of(name, number)
        alias, name = name, own_name(name)
        async with kit.session() as s:
            first, second = model(key="a", **{name: "1"}), model(key="b", **{name: "2"})
            s.add_all([first, second])
            await s.relate(first, "others", second, edge(**{name: "x"}))
            await s.flush()
            setattr(second, name, "3")
        async with kit.session() as s:
            found = await s.get(model, "a", fetch=["others"])
            assert found is not None
            assert [getattr(each, name) for each in found.others] == ["3"]
            stmt = (
                select(model).alias(alias).where(getattr(model, name) == "3").order_by(getattr(model, name))
            )
            assert [each.key for each in await s.scalars(stmt)] == ["b"]
            rows = await s.all_with_edges(
                select(model)
                .alias(alias)
                .traverse(model.others, edge_alias="r", optional=False)
                .alias("t")
                .where(getattr(edge, name) == "x", on="r")
                .return_nodes(alias, "t")
                .return_edge("r")
            )
            assert [getattr(cells[1], name) for cells in rows] == ["x"]


class BaseRefusedNames(StaticSuite):
    """Names that cannot be quoted safely everywhere are refused when they are declared."""

    area: ClassVar[str] = "names"

    @pytest.mark.parametrize("name", BAD_NAMES, ids=[f"bad{n}" for n in range(len(BAD_NAMES))])
    def test_bad_names_are_refused(self, name: str) -> None:
        registry = MetaData()
        base = type("Base", (Node,), {}, metadata=registry)
        with pytest.raises(InvalidNameError):
            type("Bad", (base,), {"__annotations__": {}}, labels=[name])
        with pytest.raises(InvalidNameError):
            type("Bad", (Edge,), {"__annotations__": {}}, type=name, metadata=registry)
        with pytest.raises(MetadataError):
            type("Bad", (base,), {"__annotations__": {name: str}, name: Field()}, labels=["Bad"])
        with pytest.raises((InvalidNameError, QueryError)):
            select(Person).alias(name)


TestNames = BaseNames
TestRefusedNames = BaseRefusedNames
