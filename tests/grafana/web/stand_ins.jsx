// Drawings of our own in the place of panels whose components Grafana does not publish.
import { formattedValueToString, getFieldDisplayName } from '@grafana/data';

const AXIS = 22;
const LABEL = 180;

function valueFields(data) {
  return data.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === 'time');
    return frame.fields
      .filter((field) => field.type !== 'time')
      .map((field) => ({ field, frame, times: time?.values ?? [] }));
  });
}

function Axis({ job, left, width, height }) {
  const { from, to } = job.range;
  const clock = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    timeZone: job.timeZone,
  });
  return [0, 0.25, 0.5, 0.75, 1].map((part) => (
    <text
      key={part}
      x={left + part * (width - left)}
      y={height - 6}
      fill="currentColor"
      fontSize={11}
      textAnchor={part === 1 ? 'end' : part === 0 ? 'start' : 'middle'}
    >
      {clock.format(from + part * (to - from))}
    </text>
  ));
}

/** Lanes over time, coloured by what the display engine says of each value. */
function Lanes({ prepared, job, width, height }) {
  const lanes = valueFields(prepared.data);
  const { from, to } = job.range;
  const lane = (height - AXIS) / lanes.length;
  const at = (time) => LABEL + ((time - from) / (to - from)) * (width - LABEL);
  return (
    <svg width={width} height={height} fontSize={12} fill="currentColor">
      {lanes.map(({ field, frame, times }, row) => {
        const pieces = [];
        Array.from(field.values).forEach((value, index) => {
          const step = times[index] - (times[index - 1] ?? times[index] - 60000);
          const last = pieces.at(-1);
          if (last && last.value === value && step <= last.step * 1.5) {
            last.end = times[index];
          } else if (value !== null && value !== undefined) {
            pieces.push({ value, begin: times[index], end: times[index], step });
          }
        });
        return (
          <g key={row} transform={`translate(0 ${row * lane})`}>
            <text x={0} y={lane / 2 + 4}>{getFieldDisplayName(field, frame, prepared.data)}</text>
            {pieces.map(({ value, begin, end, step }) => (
              <rect
                key={begin}
                x={at(Math.max(from, begin - step))}
                width={Math.max(1, at(end) - at(Math.max(from, begin - step)))}
                y={lane * 0.1}
                height={lane * 0.8}
                fill={field.display(value).color ?? 'currentColor'}
              >
                <title>{formattedValueToString(field.display(value))}</title>
              </rect>
            ))}
          </g>
        );
      })}
      <Axis job={job} left={LABEL} width={width} height={height} />
    </svg>
  );
}

/** Buckets over time: the more, the darker. Cumulative buckets are told apart by `le`. */
function Heat({ prepared, job, width, height }) {
  const rows = valueFields(prepared.data)
    .map((one) => ({ ...one, bound: Number(one.field.labels?.le?.replace('+Inf', 'Infinity')) }))
    .sort((one, other) => one.bound - other.bound);
  const { from, to } = job.range;
  const row = (height - AXIS) / rows.length;
  const below = new Map();
  const cells = rows.flatMap(({ field, times }, index) =>
    Array.from(times, (time, number) => {
      const count = field.values[number] - (below.get(time) ?? 0);
      below.set(time, field.values[number]);
      return { count, index, time, step: time - (times[number - 1] ?? time - 60000) };
    })
  );
  const most = Math.max(...cells.map((cell) => cell.count).filter(Number.isFinite));
  const left = 60;
  const at = (time) => left + ((time - from) / (to - from)) * (width - left);
  return (
    <svg width={width} height={height} fontSize={11} fill="currentColor">
      {rows.map(({ field }, index) => (
        <text key={index} x={0} y={height - AXIS - index * row - row / 2 + 4}>
          {field.labels?.le}
        </text>
      ))}
      {cells
        .filter((cell) => cell.count > 0)
        .map(({ count, index, time, step }) => (
          <rect
            key={`${index} ${time}`}
            x={at(time - step)}
            width={at(time) - at(time - step) + 0.5}
            y={height - AXIS - (index + 1) * row}
            height={row}
            fill="#FF9830"
            opacity={0.15 + (0.85 * count) / most}
          />
        ))}
      <Axis job={job} left={left} width={width} height={height} />
    </svg>
  );
}

/** Bars: the last value of every field. */
function Bars({ prepared, width, height }) {
  const bars = valueFields(prepared.data).map(({ field, frame }) => {
    const value = Array.from(field.values).at(-1);
    return { name: getFieldDisplayName(field, frame, prepared.data), value, field };
  });
  const most = Math.max(1, ...bars.map((bar) => Number(bar.value) || 0));
  const row = Math.min(30, height / bars.length);
  return (
    <svg width={width} height={height} fontSize={12} fill="currentColor">
      {bars.map(({ name, value, field }, index) => (
        <g key={index} transform={`translate(0 ${index * row})`}>
          <text x={0} y={row / 2 + 4}>{name}</text>
          <rect
            x={LABEL}
            y={row * 0.15}
            height={row * 0.7}
            width={((width - LABEL - 60) * (Number(value) || 0)) / most}
            fill={field.display(value).color ?? 'currentColor'}
          />
          <text x={width - 55} y={row / 2 + 4}>{formattedValueToString(field.display(value))}</text>
        </g>
      ))}
    </svg>
  );
}

export const STAND_INS = {
  barchart: Bars,
  heatmap: Heat,
  histogram: Bars,
  piechart: Bars,
  'state-timeline': Lanes,
  'status-history': Lanes,
};
