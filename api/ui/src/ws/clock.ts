// The server's clock seen from here, and how long an event takes to get to this screen.

const SAMPLES = 12;

/** Offset of the server's clock from ours: of the last samples the one that travelled fastest (as NTP's clock filter). */
export class ServerClock {
  private readonly samples: { offsetMs: number; roundTripMs: number }[] = [];

  /** A time that the server told unasked: how long it travelled is not known. */
  told(serverTimeMs: number, receivedAtMs: number): void {
    this.put(serverTimeMs - receivedAtMs, Number.POSITIVE_INFINITY);
  }

  /** A time that the server answered with: half of the round trip is taken for the way back. */
  answered(serverTimeMs: number, askedAtMs: number, receivedAtMs: number): void {
    this.put(serverTimeMs - (askedAtMs + receivedAtMs) / 2, receivedAtMs - askedAtMs);
  }

  /** A new connection: what was measured before may be from before a sleep. */
  restart(): void {
    this.samples.length = 0;
  }

  get offsetMs(): number {
    let best = this.samples[0];
    for (const sample of this.samples) {
      const faster = sample.roundTripMs < best!.roundTripMs;
      // Without a round trip, the later the server's time, the shorter the way.
      const nearer = sample.roundTripMs === best!.roundTripMs && sample.offsetMs > best!.offsetMs;
      if (faster || nearer) best = sample;
    }
    return best?.offsetMs ?? 0;
  }

  serverTimeMs(localMs: number): number {
    return localMs + this.offsetMs;
  }

  private put(offsetMs: number, roundTripMs: number): void {
    this.samples.push({ offsetMs, roundTripMs });
    if (this.samples.length > SAMPLES) this.samples.shift();
  }
}

/** The median of the last lags, so that one slow frame does not flicker in the header. */
export class LagMeter {
  private readonly lags: number[] = [];
  private newest = 0;

  /** Counts only updates that bring newer events: a tick without news says nothing about the way. */
  observe(receivedTimeMs: number, serverNowMs: number): void {
    if (receivedTimeMs <= this.newest) return;
    this.newest = receivedTimeMs;
    this.lags.push(Math.max(0, serverNowMs - receivedTimeMs));
    if (this.lags.length > 15) this.lags.shift();
  }

  get newestReceivedMs(): number {
    return this.newest;
  }

  get medianMs(): number | null {
    if (this.lags.length === 0) return null;
    const sorted = this.lags.slice().sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  }
}
