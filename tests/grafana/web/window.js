// What Grafana asks of a browser even where nothing is drawn.
globalThis.window ??= globalThis;
