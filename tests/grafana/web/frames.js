// Data frames out of Prometheus' answers, as Grafana's data source makes them.
import { FieldType, createDataFrame } from '@grafana/data';

const AUTOMATIC = '__auto';

function number(text) {
  return { '+Inf': Infinity, '-Inf': -Infinity, NaN }[text] ?? Number(text);
}

function points(series) {
  return series.values ?? [series.value];
}

/** The name that a legend format gives a series; nothing where Grafana names it itself. */
function legendOf(answer, labels) {
  if (!answer.legend || answer.legend === AUTOMATIC) {
    return undefined;
  }
  return answer.legend.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

function seriesFrame(answer, series) {
  const found = points(series);
  const { __name__: name, ...labels } = series.metric;
  const legend = legendOf(answer, labels);
  return createDataFrame({
    refId: answer.refId,
    name: legend,
    meta: { type: series.values ? 'timeseries-multi' : 'numeric-multi' },
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map(([at]) => at * 1000) },
      {
        name: name ?? 'Value',
        type: FieldType.number,
        labels,
        config: legend === undefined ? {} : { displayNameFromDS: legend },
        values: found.map(([, value]) => number(value)),
      },
    ],
  });
}

/** One row for each sample, a column for each label: format "table". */
function tableFrame(answer, alone) {
  const names = [...new Set(answer.result.flatMap((series) => Object.keys(series.metric)))];
  const rows = answer.result.flatMap((series) =>
    points(series).map(([at, value]) => [at * 1000, series.metric, number(value)])
  );
  return createDataFrame({
    refId: answer.refId,
    meta: { preferredVisualisationType: 'rawPrometheus' },
    fields: [
      { name: 'Time', type: FieldType.time, values: rows.map(([at]) => at) },
      ...names.sort().map((name) => ({
        name,
        type: FieldType.string,
        config: { filterable: true },
        values: rows.map(([, metric]) => metric[name] ?? ''),
      })),
      {
        name: alone ? 'Value' : `Value #${answer.refId}`,
        type: FieldType.number,
        values: rows.map(([, , value]) => value),
      },
    ],
  });
}

export function framesOf(answers) {
  const tables = answers.filter((answer) => answer.format === 'table');
  return answers.flatMap((answer) => {
    if (answer.format === 'table') {
      return answer.result.length ? [tableFrame(answer, tables.length === 1)] : [];
    }
    return answer.result.map((series) => seriesFrame(answer, series));
  });
}
