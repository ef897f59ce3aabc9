"use strict";
/* Reads the charts of one queue: the value at the pointer, or at the arrow keys. */
(() => {
  function watchCharts() {
    for (const chart of document.querySelectorAll("svg.chart-image")) {
      chart.addEventListener("pointermove", (event) => {
        const box = chart.getBoundingClientRect();
        readAt(chart, ((event.clientX - box.left) / box.width) * 600);
      });
      chart.addEventListener("pointerleave", () => readAt(chart, null));
      chart.addEventListener("blur", () => readAt(chart, null));
      chart.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const points = pointsOf(chart);
        const place = Number(chart.dataset.place ?? points.length);
        const next = Math.min(Math.max(place + step, 0), points.length - 1);
        chart.dataset.place = next;
        if (points[next]) readAt(chart, Number(points[next][0]));
      });
    }
  }

  const pointsOf = (chart) =>
    (chart.dataset.points ?? "").split("\n").map((point) => point.split("|"));

  function readAt(chart, x) {
    const reading = chart.closest("figure").querySelector(".reading");
    const cursor = chart.querySelector(".cursor");
    const points = x === null ? [] : pointsOf(chart);
    let nearest = null;
    for (const point of points) {
      const distance = Math.abs(Number(point[0]) - x);
      if (point.length === 3 && (nearest === null || distance < nearest.distance)) {
        nearest = { distance, point };
      }
    }
    reading.textContent = nearest ? `${nearest.point[1]}  ${nearest.point[2]}` : "";
    if (nearest) cursor.setAttribute("d", `M${nearest.point[0]} 0V150`);
    else cursor.removeAttribute("d");
  }

  document.addEventListener("DOMContentLoaded", watchCharts);
})();
