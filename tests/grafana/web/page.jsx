// Draws a board with Grafana's own components, one panel chrome for each panel.
import './window.js';

import {
  EventBusSrv,
  dateTime,
  getDefaultTimeRange,
  getDisplayValueAlignmentFactors,
  renderMarkdown,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import {
  BarGauge,
  BigValue,
  GlobalStyles,
  PanelChrome,
  PanelContextProvider,
  PortalContainer,
  ThemeContext,
  TimeSeries,
  VizRepeater,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { createRoot } from 'react-dom/client';

import { dataOf, theme, tilesOf } from './engine.js';
import { STAND_INS } from './stand_ins.jsx';

const ROW = 30;
const GAP = 8;
const COLUMNS = 24;

const LINE = {
  axisPlacement: 'auto',
  drawStyle: 'line',
  fillOpacity: 0,
  gradientMode: 'none',
  lineInterpolation: 'linear',
  lineWidth: 1,
  pointSize: 5,
  scaleDistribution: { type: 'linear' },
  showPoints: 'auto',
  spanNulls: false,
  stacking: { group: 'A', mode: 'none' },
};

function Tiles({ panel, prepared, job, width, height }) {
  const { options, data } = prepared;
  const values = tilesOf(panel, prepared, job);
  const renderValue = ({ value, width: w, height: h, count, alignmentFactors }) => {
    const common = {
      alignmentFactors, // one size of figures in all tiles
      count,
      height: h,
      text: options.text,
      theme: theme(job.mode),
      value: value.display,
      width: w,
    };
    if (panel.type === 'bargauge') {
      const { field, view, colIndex } = value;
      return (
        <BarGauge
          {...common}
          field={field}
          display={view?.getFieldDisplayProcessor(colIndex)}
          displayMode={options.displayMode}
          orientation={options.orientation === 'auto' ? 'horizontal' : options.orientation}
        />
      );
    }
    return (
      <BigValue
        {...common}
        colorMode={options.colorMode}
        graphMode={options.graphMode}
        justifyMode={options.justifyMode}
        textMode={options.textMode}
        disableWideLayout={options.wideLayout === false}
        sparkline={options.graphMode === 'none' ? undefined : value.sparkline}
      />
    );
  };
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={renderValue}
      source={data}
      width={width}
      height={height}
      itemSpacing={3}
      renderCounter={0}
      orientation={options.orientation ?? 'auto'}
      autoGrid
    />
  );
}

function Lines({ prepared, job, width, height }) {
  const { data, options } = prepared;
  for (const field of data.flatMap((frame) => frame.fields)) {
    field.config.custom = { ...LINE, ...field.config.custom };
  }
  return (
    <PanelContextProvider
      value={{ eventBus: new EventBusSrv(), eventsScope: 'global', sync: () => 0 }}
    >
      <TimeSeries
        frames={data}
        structureRev={1}
        timeRange={timeRange(job)}
        timeZone={job.timeZone}
        width={width}
        height={height}
        legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [],
          ...options.legend }}
        options={options}
      />
    </PanelContextProvider>
  );
}

function TableOf({ prepared, job, width, height }) {
  const { data, options } = prepared;
  return (
    <TableNG
      data={data[0]}
      width={width}
      height={height}
      noHeader={options.showHeader === false}
      cellHeight={options.cellHeight}
      initialSortBy={options.sortBy}
      enableVirtualization={false}
      timeRange={timeRange(job)}
      fieldConfig={prepared.fieldConfig}
      getActions={() => []}
      structureRev={1}
    />
  );
}

function Words({ panel }) {
  const html = renderMarkdown(panel.options.content);
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />;
}

const KINDS = {
  ...STAND_INS,
  bargauge: Tiles,
  stat: Tiles,
  table: TableOf,
  text: Words,
  timeseries: Lines,
};

function timeRange(job) {
  const from = dateTime(job.range.from);
  const to = dateTime(job.range.to);
  return { ...getDefaultTimeRange(), from, to, raw: { from, to } };
}

function interpolated(text, variables) {
  return (text ?? '').replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) =>
    variables[name] === undefined ? whole : variables[name]
  );
}

function Panel({ shown, job, left, top, width, height }) {
  const { panel, prepared, variables } = shown;
  const Kind = KINDS[panel.type];
  const title = interpolated(panel.title, variables);
  const place = { position: 'absolute', left, top };
  if (panel.type === 'row') {
    return <h2 style={{ ...place, font: '500 16px sans-serif' }}>{title}</h2>;
  }
  const empty = panel.type !== 'text' && !prepared.data.some((frame) => frame.length);
  return (
    <section style={place} data-panel={panel.id}>
      <PanelChrome
        title={title}
        description={panel.description}
        width={width}
        height={height}
        displayMode={panel.transparent ? 'transparent' : 'default'}
      >
        {(innerWidth, innerHeight) =>
          empty ? (
            <div className="panel-empty">{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>
          ) : (
            <Kind
              panel={panel}
              prepared={prepared}
              job={job}
              width={innerWidth}
              height={innerHeight}
            />
          )
        }
      </PanelChrome>
    </section>
  );
}

function Board({ job, panels, width }) {
  const column = (width - GAP) / COLUMNS;
  const places = panels.map(({ panel }) => panel.gridPos);
  const bottom = Math.max(...places.map((place) => place.y + place.h));
  return (
    <main style={{ position: 'relative', height: bottom * (ROW + GAP) + GAP }}>
      {panels.map((shown, number) => {
        const { x, y, w, h } = places[number];
        return (
          <Panel
            key={number}
            shown={shown}
            job={job}
            left={GAP + x * column}
            top={GAP + y * (ROW + GAP)}
            width={w * column - GAP}
            height={h * (ROW + GAP) - GAP}
          />
        );
      })}
    </main>
  );
}

async function draw(job) {
  await initPluginTranslations('callmon-checks');
  const panels = [];
  for (const shown of job.panels) {
    const { panel, answers, variables } = shown;
    const prepared = panel.type === 'row' ? null : await dataOf(panel, answers, { ...job, variables });
    panels.push({ ...shown, prepared });
  }
  const look = theme(job.mode);
  document.body.style.background = look.colors.background.canvas;
  document.body.className = `theme-${job.mode}`;
  const root = createRoot(document.getElementById('board'));
  root.render(
    <ThemeContext.Provider value={look}>
      <GlobalStyles isExtensionSidebarOpen={false} />
      <Board job={job} panels={panels} width={window.innerWidth} />
      <PortalContainer />
    </ThemeContext.Provider>
  );
  window.setTimeout(() => document.body.setAttribute('data-drawn', 'yes'), 700);
}

window.draw = draw;
