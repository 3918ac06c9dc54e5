// The last two minutes of a heart rate: a small ring per member and the SVG path drawn from it. Pure but for its own ring.

export const SPARK_SECONDS = 120;
const FIRST_SECONDS = 30;
const GAP_MS = 10_000;
const LEAST_SPAN_BPM = 24;

export class SparkHistory {
  readonly times: number[] = [];
  readonly values: number[] = [];

  /** Takes at most one value per second, newest wins; out of order ones are left to the history charts. */
  add(atMs: number, value: number): boolean {
    const last = this.times[this.times.length - 1] ?? Number.NEGATIVE_INFINITY;
    if (atMs < last) return false;
    if (Math.floor(atMs / 1000) === Math.floor(last / 1000)) {
      this.values[this.values.length - 1] = value;
      return true;
    }
    this.times.push(atMs);
    this.values.push(value);
    while (this.times[0]! < atMs - SPARK_SECONDS * 1000) {
      this.times.shift();
      this.values.shift();
    }
    return true;
  }
}

/**
 * An SVG path over a box of `width` × `height`, right edge = newest; a gap of more than 10 s breaks the line. It covers what is
 * there, from half a minute up to two.
 */
export function sparkPath(history: SparkHistory, width: number, height: number): string {
  const { times, values } = history;
  if (times.length < 2) return "";
  const end = times[times.length - 1]!;
  const covered = Math.min(SPARK_SECONDS * 1000, Math.max(FIRST_SECONDS * 1000, end - times[0]!));
  const low = Math.min(...values);
  const span = Math.max(LEAST_SPAN_BPM, Math.max(...values) - low);
  const floor = low - (span - (Math.max(...values) - low)) / 2;
  let path = "";
  times.forEach((at, index) => {
    const x = width - ((end - at) / covered) * width;
    const y = height - ((values[index]! - floor) / span) * height;
    const broken = index === 0 || at - times[index - 1]! > GAP_MS;
    path += `${broken ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return path;
}
