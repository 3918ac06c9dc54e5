// How long to wait before the n-th new attempt: full jitter, so that a thousand screens do not come back in one instant.

export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_CAP_MS = 20_000;
export const STABLE_AFTER_MS = 30_000;

/** `random` is uniform in [0, 1); `afterMs` is the window that a server which says goodbye asks for. */
export function backoffMs(attempt: number, random: () => number, afterMs: [number, number] = [0, 0]): number {
  const cap = Math.min(BACKOFF_CAP_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  const asked = afterMs[0] + random() * Math.max(0, afterMs[1] - afterMs[0]);
  return asked + random() * cap;
}
