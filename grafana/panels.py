"""What panels are made of: queries, looks, places."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.models import common, dashboard, prometheus, stat, table, timeseries

__all__ = [
    "COLOURS",
    "INKS",
    "NEUTRAL",
    "SOURCE",
    "Query",
    "by_name",
    "by_query",
    "by_type",
    "coloured",
    "instant",
    "laid_out",
    "lines",
    "merged",
    "panel",
    "rows",
    "special",
    "tiles",
    "valued",
]

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")

COLOURS = {
    "fine": "#2b6b3f",
    "near": "#8a6a00",
    "info": "#1f60c4",
    "beyond": "#c2410c",
    "warning": "#c2410c",
    "critical": "#c4162a",
    "blind": "#8f3bb8",
}
"""Backgrounds by level and by state, dark enough for white figures.

Each also has a shape, for those who do not tell colours apart.
"""

INKS = {
    "fine": "green",
    "info": "blue",
    "warning": "orange",
    "critical": "red",
    "blind": "purple",
}
"""The same, of figures and lines."""

NEUTRAL = "#4a4f5a"
"""Of a figure that no limit is set for."""

WIDTH = 24

Overrides = dashboard.DashboardFieldConfigSourceOverrides
Properties = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a panel."""

    expr: str
    ref: str = "A"
    legend: str = ""
    form: prometheus.PromQueryFormat = prometheus.PromQueryFormat.TIME_SERIES
    instant: bool = False

    def target(self) -> prometheus.Dataquery:
        """Return it as Grafana has it."""
        return prometheus.Dataquery(
            expr=self.expr,
            ref_id=self.ref,
            legend_format=self.legend,
            format_val=self.form,
            instant=self.instant,
            range_val=not self.instant,
            editor_mode=prometheus.QueryEditorMode.CODE,
            datasource=SOURCE,
        )


def instant(ref: str, expr: str, legend: str = "{{name}}") -> Query:
    """Return a query of now, a series a name."""
    return Query(expr=expr, ref=ref, legend=legend, instant=True)


def merged(ref: str, expr: str) -> Query:
    """Return a query of now for a column of a table."""
    return Query(expr=expr, ref=ref, form=prometheus.PromQueryFormat.TABLE, instant=True)


def _override(matcher: str, wanted: str, properties: Properties) -> Overrides:
    return Overrides(
        matcher=dashboard.MatcherConfig(id_val=matcher, options=wanted),
        properties=[
            dashboard.DynamicConfigValue(id_val=name, value=value)
            for name, value in properties.items()
        ],
    )


def by_name(name: str, properties: Properties) -> Overrides:
    """Return how the field *name* differs."""
    return _override("byName", name, properties)


def by_query(ref: str, properties: Properties) -> Overrides:
    """Return how the fields of a query differ."""
    return _override("byFrameRefID", ref, properties)


def by_type(kind: str, properties: Properties) -> Overrides:
    """Return how the fields of a type differ."""
    return _override("byType", kind, properties)


def valued(texts: Mapping[int, tuple[str, str]]) -> dashboard.ValueMap:
    """Return a mapping of numbers to text and colour."""
    return dashboard.ValueMap(
        options={
            str(value): dashboard.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(texts.items())
        }
    )


def special(match: str, text: str, colour: str | None = None) -> dashboard.SpecialValueMap:
    """Return what is shown for ``null``, ``nan`` or both, ``null+nan``."""
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch(match),
            result=dashboard.ValueMappingResult(text=text, color=colour, index=9),
        )
    )


def coloured(colour: str) -> dict[str, Any]:
    """Return the property that gives a field one colour, whatever its value."""
    return {"color": {"mode": "fixed", "fixedColor": colour}}


def panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    size: tuple[int, int],
    unit: str,
    options: object,
    decimals: int | None = None,
    no_value: str | None = None,
    mappings: Sequence[Any] = (),
    thresholds: Sequence[tuple[float | None, str]] = ((None, "text"),),
    colour: str = "thresholds",
    custom: object = None,
    bounds: tuple[float | None, float | None] = (None, None),
    overrides: Sequence[Overrides] = (),
    transformations: Sequence[tuple[str, Mapping[str, Any]]] = (),
    interval: str | None = None,
) -> dashboard.Panel:
    """Return a panel; its place is found by ``laid_out``."""
    steps = [dashboard.Threshold(value=at, color=shade) for at, shade in thresholds]
    return dashboard.Panel(
        type_val=kind,
        title=title,
        description=description,
        datasource=SOURCE,
        targets=[query.target() for query in queries],
        grid_pos=dashboard.GridPos(w=size[0], h=size[1]),
        options=options,
        interval=interval,
        transformations=[
            dashboard.DataTransformerConfig(id_val=name, options=dict(settings))
            for name, settings in transformations
        ]
        or None,
        field_config=dashboard.FieldConfigSource(
            defaults=dashboard.FieldConfig(
                unit=unit,
                decimals=decimals,
                min_val=bounds[0],
                max_val=bounds[1],
                no_value=no_value,
                mappings=list(mappings) or None,
                thresholds=dashboard.ThresholdsConfig(
                    mode=dashboard.ThresholdsMode.ABSOLUTE, steps=steps
                ),
                color=dashboard.FieldColor(mode=dashboard.FieldColorModeId(colour)),
                custom=custom,
            ),
            overrides=list(overrides),
        ),
    )


def tiles(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    named: bool = True,
    name_only: bool = False,
    title_size: int | None = None,
    solid: bool = True,
    **rest: Any,
) -> dashboard.Panel:
    """Return big figures, a tile each."""
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND_SOLID
        if solid
        else common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.CENTER,
        text=common.VizTextDisplayOptions(title_size=title_size) if title_size else None,
        text_mode=_text_mode(named=named, name_only=name_only),
        reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], values=False, fields=""),
    )
    return panel("stat", title, description, queries, options=options, **rest)


def _text_mode(*, named: bool, name_only: bool) -> common.BigValueTextMode:
    if name_only:
        return common.BigValueTextMode.NAME
    return common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE


def lines(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    stacked: bool = False,
    bars: bool = False,
    reach: float | None = None,
    **rest: Any,
) -> dashboard.Panel:
    """Return figures over time; the last value stands in the legend.

    *reach* is how high the axis goes at least: a line of zeros would choose one of its own.
    """
    legend = common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.TABLE,
        placement=common.LegendPlacement.RIGHT,
        show_legend=True,
        calcs=["lastNotNull"],
    )
    tooltip = common.VizTooltipOptions(
        mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
    )
    custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_width=0 if bars else 2,
        fill_opacity=80 if bars else 40 if stacked else 0,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        axis_soft_min=None if reach is None else 0,
        axis_soft_max=reach,
        stacking=common.StackingConfig(
            mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE,
            group="A",
        ),
    )
    options = timeseries.Options(legend=legend, tooltip=tooltip)
    rest.setdefault("colour", "palette-classic")
    return panel(
        "timeseries", title, description, queries, options=options, custom=custom, **rest
    )


def rows(
    title: str, description: str, queries: Sequence[Query], **rest: Any
) -> dashboard.Panel:
    """Return a table."""
    options = table.Options(show_header=True, cell_height=common.TableCellHeight.MD)
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    rest.setdefault("custom", custom)
    return panel("table", title, description, queries, options=options, **rest)


def laid_out(panels: Sequence[dashboard.Panel]) -> Iterator[dashboard.Panel]:
    """Yield *panels* with a number and a place each, from left to right in full rows."""
    x = y = height = 0
    for number, each in enumerate(panels, 1):
        place = each.grid_pos
        if place is None:
            continue
        if x + place.w > WIDTH:
            x, y, height = 0, y + height, 0
        each.id_val = number
        place.x, place.y = x, y
        x, height = x + place.w, max(height, place.h)
        yield each
