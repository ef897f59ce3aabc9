// What a panel shows, worked out by Grafana's own engine: @grafana/data.
import {
  FieldConfigOptionsRegistry,
  createTheme,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  formattedValueToString,
  getFieldDisplayName,
  getFieldDisplayValues,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import { framesOf } from './frames.js';

const PROVED = [...new Map(Object.values(standardTransformers).map((one) => [one.id, one]))];

standardTransformersRegistry.setInit(() =>
  PROVED.map(([id, one]) => ({ id, name: id, transformation: async () => one }))
);

const STANDARD = [
  'unit min max decimals displayName color thresholds mappings links noValue filterable',
  'fieldMinMax description actions',
].join(' ').split(' ');

const PROCESSORS = {
  links: dataLinksOverrideProcessor,
  displayName: displayNameOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
};

const REDUCED = { values: false, calcs: ['lastNotNull'], fields: '' };

/** Options that Grafana's own panels have unless told otherwise. */
const DEFAULTS = {
  stat: {
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
    orientation: 'auto',
    textMode: 'auto',
    reduceOptions: REDUCED,
  },
  bargauge: { displayMode: 'gradient', orientation: 'auto', reduceOptions: REDUCED },
  gauge: { reduceOptions: REDUCED },
};

const TILES = new Set(Object.keys(DEFAULTS));

export function theme(name) {
  return createTheme({ colors: { mode: name ?? 'dark' } });
}

/** Every option of the panel's own field configuration, taken as it stands. */
function registryOf(fieldConfig) {
  const own = new Set();
  const walk = (value, path) => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      Object.entries(value).forEach(([key, inner]) => walk(inner, [...path, key]));
    } else {
      own.add(path.join('.'));
    }
  };
  walk(fieldConfig.defaults?.custom ?? {}, []);
  const overridden = (fieldConfig.overrides ?? []).flatMap((rule) => rule.properties);
  const item = (id, path, isCustom) => ({
    id,
    path,
    isCustom,
    name: id,
    editor: () => null,
    override: () => null,
    process: PROCESSORS[id] ?? ((value) => value),
    shouldApply: () => true,
  });
  const custom = new Set([
    ...overridden.map((one) => one.id).filter((id) => id.startsWith('custom.')),
    ...[...own].map((path) => `custom.${path}`),
  ]);
  const registry = new FieldConfigOptionsRegistry();
  STANDARD.forEach((id) => registry.register(item(id, id, false)));
  custom.forEach((id) => registry.register(item(id, id.slice('custom.'.length), true)));
  return registry;
}

/** The lowest step has no value in JSON; Grafana reads minus infinity. */
function withLowestSteps(fieldConfig) {
  const copy = structuredClone(fieldConfig ?? { defaults: {}, overrides: [] });
  const thresholds = [
    copy.defaults.thresholds,
    ...(copy.overrides ?? []).flatMap((rule) =>
      rule.properties.filter((one) => one.id === 'thresholds').map((one) => one.value)
    ),
  ];
  thresholds.filter(Boolean).forEach(({ steps }) => {
    if (steps[0] && (steps[0].value === null || steps[0].value === undefined)) {
      steps[0].value = -Infinity;
    }
  });
  copy.defaults.custom ??= {};
  return copy;
}

const ENCODED = new Set(['percentencode', 'uriencode']);

/** What stands for a name that only the display knows: a field of the row, the value, a label. */
function ofTheRow(name, context) {
  const row = context.rowIndex ?? 0;
  if (name === '__value.raw') {
    return context.field.values[row];
  }
  const label = name.match(/^__field\.labels\.(\w+)$/);
  if (label) {
    return context.field.labels?.[label[1]];
  }
  const field = name.match(/^__data\.fields(?:\.(\w+)|\[["']?(.+?)["']?\])$/);
  const wanted = field?.[1] ?? field?.[2];
  return context.frame.fields.find((one) => one.name === wanted)?.values[row];
}

/** Replaces variables in links and names; *standing* is how values are written by default. */
function replacer(variables) {
  return (text, scoped, standing) => {
    const context = scoped?.__dataContext?.value;
    return text.replace(/\$\{([^}]+)\}|\$(\w+)/g, (whole, braced, bare) => {
      const [name, format = standing] = (braced ?? bare).split(':');
      const value = variables[name] ?? (context && ofTheRow(name, context));
      if (value === undefined || value === null) {
        return whole;
      }
      if (format === 'queryparam') {
        return `var-${name}=${encodeURIComponent(value)}`;
      }
      return ENCODED.has(format) ? encodeURIComponent(value) : String(value);
    });
  };
}

function transformed(panel, frames, replace) {
  const wanted = panel.transformations ?? [];
  const unproved = wanted.filter((one) => !standardTransformersRegistry.getIfExists(one.id));
  if (unproved.length) {
    throw new Error(`${panel.title}: no proof of ${unproved.map((one) => one.id)}`);
  }
  const context = { interpolate: (text) => (typeof text === 'string' ? replace(text) : text) };
  return firstValueFrom(transformDataFrame(structuredClone(wanted), frames, context));
}

/** Returns the frames of a panel as its visualisation gets them, and its options. */
export async function dataOf(panel, answers, { variables, timeZone, mode }) {
  const fieldConfig = withLowestSteps(panel.fieldConfig);
  const replaceVariables = replacer(variables);
  const data = applyFieldOverrides({
    data: await transformed(panel, framesOf(answers), replaceVariables),
    fieldConfig,
    fieldConfigRegistry: registryOf(fieldConfig),
    replaceVariables,
    theme: theme(mode),
    timeZone,
  });
  cacheFieldDisplayNames(data);
  const options = { ...DEFAULTS[panel.type], ...panel.options };
  return { data, fieldConfig, options, replaceVariables };
}

/** Returns the tiles of a stat, gauge or bar gauge. */
export function tilesOf(panel, prepared, { timeZone, mode }) {
  const { data, fieldConfig, options, replaceVariables } = prepared;
  return getFieldDisplayValues({
    fieldConfig,
    reduceOptions: { ...REDUCED, ...options.reduceOptions },
    replaceVariables,
    theme: theme(mode),
    data,
    sparkline: options.graphMode !== 'none',
    timeZone,
  });
}

function shown(display) {
  return { text: formattedValueToString(display), color: display.color };
}

function tableOf(frame, data) {
  return {
    columns: frame.fields
      .filter((field) => !field.config.custom?.hidden && !field.config.custom?.hideFrom?.viz)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, data),
        cell: field.config.custom?.cellOptions?.type ?? 'auto',
        cells: Array.from(field.values, (value, rowIndex) => ({
          ...shown(field.display(value)),
          links: field.config.links?.length
            ? field.getLinks({ valueRowIndex: rowIndex }).map((link) => link.href)
            : [],
        })),
      })),
  };
}

/** Returns what people read in a panel: tiles, or tables, or the names of lines. */
export async function readingOf(panel, answers, context) {
  const prepared = await dataOf(panel, answers, context);
  const { data } = prepared;
  if (TILES.has(panel.type)) {
    const tiles = tilesOf(panel, prepared, context);
    return { tiles: tiles.map(({ display }) => ({ title: display.title, ...shown(display) })) };
  }
  if (panel.type === 'table') {
    return { tables: data.map((frame) => tableOf(frame, data)) };
  }
  return {
    lines: data.flatMap((frame) =>
      frame.fields
        .filter((field) => field.type === 'number')
        .map((field) => getFieldDisplayName(field, frame, data))
    ),
  };
}
