// A connection on a bench: a socket, a clock, timers and a REST state that the test moves by hand.
import { LiveConnection, SignedOut, type SocketLike, type Status } from "../src/ws/connection.js";
import type { Alert, ChatMessage, MetricsUpdate, Position, StreamState } from "../src/ws/protocol.js";

export const CHANNEL = "alerts:s";
type Frame = Record<string, unknown>;

export const settled = async (): Promise<void> => {
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
};

export const alertFrame = (offset: number, previous: number | null, id: string): Frame => ({ type: "alert", channel: CHANNEL, offset, previous, alert_id: id, version: 1 });

export function keyframe(version: number, rates: number[]): MetricsUpdate {
  return {
    type: "metrics_update",
    channel: "metrics:s",
    session_id: "s",
    version,
    kind: "key",
    event_time_ms: 0,
    received_time_ms: 0,
    session_state: "active",
    rows: rates.map((_, index) => index),
    members: rates.map((_, index) => index + 1),
    names: rates.map((_, index) => `Member ${index + 1}`),
    columns: { heart_rate_bpm: rates, state: rates.map(() => "live") },
    class_metrics: null,
  };
}

class BenchSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;
  constructor(private readonly bench: Bench) {}
  send(text: string): void {
    this.bench.sent.push(JSON.parse(text) as Frame);
  }
  close(): void {
    this.closed = true;
  }
}

export class Bench {
  now = 1_000_000;
  sent: Frame[] = [];
  alerts: string[] = [];
  messages: string[] = [];
  statesRead = 0;
  socketsOpened = 0;
  readonly connection: LiveConnection;
  private socket!: BenchSocket;
  private status!: Status;
  private timers = new Map<number, { at: number; run: () => void }>();
  private lastTimer = 0;
  private tokens = 1;
  private signedOut = false;
  private state: () => Promise<StreamState> = () => Promise.resolve(stateOf({ epoch: "e", offset: 10 }, []));

  private constructor() {
    this.connection = new LiveConnection(
      "s",
      3,
      {
        status: (status) => (this.status = status),
        metrics: () => undefined,
        alert: (alert) => this.alerts.push(alert.alert_id),
        event: () => undefined,
        message: ({ message }) => this.messages.push(message.text),
        state: (state) => {
          this.alerts.push(...state.alerts.map((alert) => `state:${alert.alert_id}`));
          this.messages.push(...state.messages.map(({ message }) => `state:${message.text}`));
        },
        refused: () => undefined,
      },
      {
        openSocket: () => {
          this.socketsOpened += 1;
          return (this.socket = new BenchSocket(this));
        },
        token: (fresh) => {
          if (fresh && this.signedOut) return Promise.reject(new SignedOut());
          if (fresh) this.tokens += 1;
          return Promise.resolve(`token-${this.tokens}`);
        },
        loadState: () => {
          this.statesRead += 1;
          return this.state();
        },
        now: () => this.now,
        random: () => 0.5,
        setTimer: (run, ms) => {
          this.timers.set(++this.lastTimer, { at: this.now + ms, run });
          return this.lastTimer;
        },
        clearTimer: (timer) => void this.timers.delete(timer),
      },
    );
  }

  /** A connection that is welcomed and has read the state at offset 10 of epoch "e". */
  static async live(): Promise<Bench> {
    const bench = new Bench();
    bench.connection.start();
    await settled();
    bench.socket.onopen?.();
    bench.welcome({ recovered: true });
    await settled();
    return bench;
  }

  get phase(): string {
    return this.status.phase;
  }
  get closedBecause(): string | undefined {
    return this.status.reason;
  }
  get timersLeft(): number {
    return this.timers.size;
  }
  get hello(): { token: string; subscriptions: unknown[] } {
    return this.sent.filter((frame) => frame.type === "hello").at(-1) as { token: string; subscriptions: unknown[] };
  }

  receive(frame: object): void {
    this.receiveText(JSON.stringify(frame));
  }
  receiveText(text: string): void {
    this.socket.onmessage?.({ data: text });
  }
  drop(code: number): void {
    this.socket.onclose?.({ code });
  }
  signOut(): void {
    this.signedOut = true;
  }

  welcome({ recovered, epoch = "e" }: { recovered: boolean; epoch?: string }): void {
    const stream = (channel: string) => ({ channel, mode: "stream", epoch, offset: 10, recovered });
    this.receive({ type: "welcome", connection: "c", heartbeat_s: 10, server_time_ms: this.now, subscriptions: [{ channel: "metrics:s", mode: "cache" }, stream(CHANNEL), stream("events:s"), stream("user:3")] });
  }

  /** Lets the retry timer fire and opens the new socket; tells how long it took. */
  async reconnect(): Promise<number> {
    const before = this.now;
    const opened = this.socketsOpened;
    await settled();
    while (this.socketsOpened === opened) {
      const next = Math.min(...[...this.timers.values()].map((timer) => timer.at));
      this.pass(next - this.now);
      await settled();
    }
    this.socket.onopen?.();
    return this.now - before;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = end;
  }

  nextState(position: Position, alerts: string[]): void {
    this.state = () => Promise.resolve(stateOf(position, alerts));
  }
  holdState(position: Position, alerts: string[]): () => void {
    let release = (): void => undefined;
    this.state = () => new Promise((resolve) => (release = () => resolve(stateOf(position, alerts))));
    return () => release();
  }
  failState(): void {
    this.state = () => Promise.reject(new Error("no answer"));
  }
}

export function messageFrame(offset: number, previous: number | null, text: string): object {
  return { type: "message", channel: "user:3", offset, previous, ...chat(`message-${offset}`, text, "2026-11-21T10:00:00.000Z") };
}

/** What a member of session "s" wrote to the trainer. */
export function chat(id: string, text: string, timestamp: string): ChatMessage {
  return { session_id: "s", timestamp, message: { id, from: "17", from_name: "Mia", from_role: "member", to: "3", text } };
}

function stateOf(position: Position, alerts: string[]): StreamState {
  return { positions: { [CHANNEL]: position, "events:s": position, "user:3": position }, alerts: alerts.map((alert_id) => ({ alert_id, version: 1 }) as Alert), events: [], messages: [] };
}
