// Class intensity over time with the plan behind it and markers on it; a table of the same numbers is not needed, the title says the last.
import { timeOfDay } from "../format.js";
import { linePath, markLabel, xOf, yOf, type Frame } from "../live/chart.js";
import type { Point, Segment } from "../rest/types.js";
import type { SessionEvent } from "../ws/protocol.js";

interface Props {
  points: readonly Point[];
  events: readonly SessionEvent[];
  segments: readonly Segment[];
  startedAtMs: number;
  toMs: number;
  low: number;
  high: number;
  label: string;
}

const FRAME = { width: 600, height: 120 };

export function IntensityChart({ points, events, segments, startedAtMs, toMs, low, high, label }: Props) {
  const frame: Frame = { ...FRAME, fromMs: startedAtMs, toMs };
  const path = linePath(points, frame);
  const marks = events.flatMap((event) => (markLabel(event) === null ? [] : [event]));
  return (
    <figure class="intensity">
      <svg viewBox={`0 0 ${frame.width} ${frame.height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <rect class="band" x="0" width={frame.width} y={yOf(high, frame)} height={yOf(low, frame) - yOf(high, frame)} />
        <Plan segments={segments} frame={frame} />
        <line class="bound" x1="0" x2={frame.width} y1={yOf(high, frame)} y2={yOf(high, frame)} vector-effect="non-scaling-stroke" />
        <line class="bound" x1="0" x2={frame.width} y1={yOf(low, frame)} y2={yOf(low, frame)} vector-effect="non-scaling-stroke" />
        {marks.map((event) => (
          <line
            key={event.event_id}
            class="mark"
            x1={xOf(event.event_time_ms, frame)}
            x2={xOf(event.event_time_ms, frame)}
            y1="0"
            y2={frame.height}
            vector-effect="non-scaling-stroke"
          />
        ))}
        <path class="line" d={path} vector-effect="non-scaling-stroke" />
      </svg>
      <span class="axis-y top" aria-hidden="true">
        10
      </span>
      <span class="axis-y bottom" aria-hidden="true">
        0
      </span>
      <figcaption>
        <span>{timeOfDay(startedAtMs)}</span>
        <span>{timeOfDay(toMs)}</span>
      </figcaption>
    </figure>
  );
}

function Plan({ segments, frame }: { segments: readonly Segment[]; frame: Frame }) {
  let at = frame.fromMs;
  return (
    <>
      {segments.map((segment, index) => {
        const from = xOf(at, frame);
        at += segment.duration_s * 1000;
        return index % 2 === 1 ? <rect key={index} class="segment" x={from} width={xOf(at, frame) - from} y="0" height={frame.height} /> : null;
      })}
    </>
  );
}
