// Reads a board and its answers from standard input, writes what its panels would show.
import { readFileSync } from 'node:fs';

import './window.js';

import { readingOf } from './engine.js';

async function read(job) {
  const readings = [];
  for (const { panel, answers, variables } of job.panels) {
    const { id, type, title } = panel;
    const reading = await readingOf(panel, answers, { ...job, variables });
    readings.push({ id, type, title, ...reading });
  }
  return readings;
}

read(JSON.parse(readFileSync(0, 'utf8'))).then((readings) =>
  process.stdout.write(JSON.stringify(readings))
);
