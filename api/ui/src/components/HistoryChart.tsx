// A history as a line chart. uPlot is fetched when the first chart is opened, not before.
import { useEffect, useRef } from "preact/hooks";
import { LOCALE, NONE, timeOfDay, timeWithSeconds } from "../format.js";
import { withGaps } from "../live/chart.js";
import { theme } from "../state.js";
import type { Series } from "../rest/types.js";

const HEIGHT = 196;
const GAP_MS = 15_000;
const FONT = "12px 'Archivo Variable', sans-serif";

export function HistoryChart({ series, floors }: { series: Series; floors: number[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let over = false;
    let remove = (): void => undefined;
    void draw(box.current!, series, floors).then((clean) => (over ? clean() : (remove = clean)));
    return () => {
      over = true;
      remove();
    };
  }, [series, theme.value]);
  const values = series.points.flatMap(([, value]) => (value === null ? [] : [value]));
  const label = `${series.metric.replace(/_/g, " ")}: from ${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} ${series.unit}`;
  return <div class="history" ref={box} role="img" aria-label={label} />;
}

async function draw(box: HTMLElement, series: Series, floors: number[]): Promise<() => void> {
  const { default: UPlot } = await import("./plot.js");
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { font: FONT, stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const zoneLine = (floor: number, index: number) => ({
    label: `Zone ${index + 1}`,
    stroke: colour(`--zone-${index + 1}`),
    width: 1,
    dash: [4, 4],
    points: { show: false },
    scale: "y",
    value: () => `from ${floor}`,
  });
  const points = withGaps(series.points, GAP_MS);
  const seconds = points.map(([at]) => at / 1000);
  const inView = floors.filter((floor) => series.points.some(([, value]) => value !== null && Math.abs(value - floor) < 25));
  const plot = new UPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
      axes: [
        { ...axis, values: (_plot, at) => at.map((second) => timeOfDay(second * 1000)) },
        { ...axis, size: 44, values: (_plot, at) => at.map((value) => value.toLocaleString(LOCALE)) },
      ],
      series: [
        { label: "Time", value: (_plot, second) => (typeof second === "number" ? timeWithSeconds(second * 1000) : NONE) },
        { label: series.unit, stroke: colour("--accent"), width: 2, points: { show: false }, spanGaps: false },
        ...inView.map((floor) => zoneLine(floor, floors.indexOf(floor))),
      ],
    },
    [seconds, points.map(([, value]) => value), ...inView.map((floor) => seconds.map(() => floor))],
    box,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
  observer.observe(box);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}
