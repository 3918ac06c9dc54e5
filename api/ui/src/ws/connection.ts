// One socket that stays: opens, says hello, watches the heartbeat, comes back with jitter. Sockets, clock and timers are injected.
import { backoffMs, STABLE_AFTER_MS } from "./backoff.js";
import { LagMeter, ServerClock } from "./clock.js";
import { SessionFeed, type FeedHandlers } from "./feed.js";
import type { Bye, Reply, ServerFrame, StreamState, Welcome } from "./protocol.js";

export const SILENCE_MS = 25_000;
export const OPEN_WITHIN_MS = 10_000;
const ACK_EVERY_MS = 2000;
const PING_EVERY_MS = 15_000;
/** Ids of pings begin here, those of subscriptions at 1. */
const PING_IDS_FROM = 1_000_000;
const AFTER_RATE_LIMIT_MS = 5000;

export interface SocketLike {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

export type Phase = "connecting" | "live" | "reconnecting" | "closed";
export type ClosedReason = "stopped" | "signed_out" | "forbidden" | "protocol";
export interface Status {
  phase: Phase;
  /** Since when, by this machine's clock. */
  sinceMs: number;
  attempt: number;
  reason?: ClosedReason;
}

export interface Ports {
  openSocket(): SocketLike;
  /** An access token; `fresh` asks for a new one. Rejects when the user is signed out. */
  token(fresh: boolean): Promise<string>;
  loadState(): Promise<StreamState>;
  now(): number;
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

export interface Handlers extends FeedHandlers {
  status(status: Status): void;
}

type TimerName = "open" | "silence" | "stable" | "retry" | "ack" | "ping";

export class LiveConnection {
  readonly clock = new ServerClock();
  readonly lag = new LagMeter();
  private readonly feed: SessionFeed;
  private socket: SocketLike | null = null;
  private timers = new Map<TimerName, number>();
  private attempt = 0;
  private freshToken = false;
  private afterMs: [number, number] = [0, 0];
  private lastFrameMs = 0;
  private pinged = { id: 0, atMs: 0 };
  private status: Status;
  /** Grows whenever a socket is given up, so that its late callbacks are ignored. */
  private generation = 0;

  constructor(
    sessionId: string,
    userId: number,
    private readonly handlers: Handlers,
    private readonly ports: Ports,
  ) {
    this.status = { phase: "connecting", sinceMs: ports.now(), attempt: 0 };
    this.feed = new SessionFeed(`metrics:${sessionId}`, [`alerts:${sessionId}`, `events:${sessionId}`, `user:${userId}`], handlers, {
      send: (frame) => this.send(frame),
      now: ports.now,
      loadState: ports.loadState,
      recoveryFailed: () => this.dropped(1006),
    });
  }

  start(): void {
    void this.connect();
  }

  stop(): void {
    this.giveUpSocket();
    this.enter("closed", "stopped");
  }

  /** The browser is back online or visible: no reason to wait, unless the socket is proven alive. */
  wake(): void {
    if (this.status.phase === "reconnecting" && this.timers.has("retry")) {
      this.after("retry", this.ports.random() * 1000, () => void this.connect());
    } else if (this.status.phase === "live" && this.ports.now() - this.lastFrameMs > SILENCE_MS / 2) {
      this.dropped(1006);
    }
  }

  private async connect(): Promise<void> {
    this.giveUpSocket();
    const generation = this.generation;
    let token: string;
    try {
      token = await this.ports.token(this.freshToken);
    } catch (problem) {
      if (generation === this.generation) this.tokenMissing(problem);
      return;
    }
    if (generation !== this.generation) return;
    this.freshToken = false;
    this.open(token, generation);
  }

  private tokenMissing(problem: unknown): void {
    if (problem instanceof SignedOut) this.enter("closed", "signed_out");
    else this.retryLater();
  }

  private open(token: string, generation: number): void {
    const socket = this.ports.openSocket();
    this.socket = socket;
    this.after("open", OPEN_WITHIN_MS, () => this.dropped(1006));
    socket.onopen = () => this.send({ type: "hello", version: 1, token, subscriptions: this.feed.subscriptions() });
    socket.onmessage = (event) => {
      if (generation === this.generation) this.received(String(event.data));
    };
    socket.onclose = (event) => {
      if (generation === this.generation) this.dropped(event.code);
    };
  }

  private received(text: string): void {
    this.lastFrameMs = this.ports.now();
    this.after("silence", SILENCE_MS, () => this.dropped(1006));
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // Not ours to understand; the watchdog and the offsets tell if something is missing.
    }
    const batch = frame as { type?: string; messages?: ServerFrame[] };
    if (batch.type === "batch") for (const message of batch.messages ?? []) this.take(message);
    else this.take(frame as ServerFrame);
  }

  private take(frame: ServerFrame): void {
    switch (frame.type) {
      case "metrics_update":
        this.lag.observe(frame.received_time_ms, this.clock.serverTimeMs(this.lastFrameMs));
        return this.feed.metricsUpdate(frame);
      case "alert":
      case "session_event":
      case "message":
        return this.feed.streamMessage(frame);
      case "heartbeat":
        return this.clock.told(frame.server_time_ms, this.lastFrameMs);
      case "welcome":
        return this.welcomed(frame);
      case "gap":
        return this.feed.gap(frame);
      case "reply":
        return frame.id >= PING_IDS_FROM ? this.ponged(frame) : this.feed.reply(frame);
      case "unsubscribed":
        return this.handlers.refused(frame.channel, frame.error);
      case "refresh":
        return void this.sendNewToken();
      case "bye":
        return this.said(frame);
    }
  }

  private welcomed(frame: Welcome): void {
    this.cancel("open");
    this.clock.restart();
    this.clock.told(frame.server_time_ms, this.lastFrameMs);
    this.enter("live");
    this.after("stable", STABLE_AFTER_MS, () => (this.attempt = 0));
    this.every("ack", ACK_EVERY_MS, () => this.feed.acknowledge());
    this.ping();
    this.every("ping", PING_EVERY_MS, () => this.ping());
    this.feed.welcomed(frame.subscriptions);
  }

  private ping(): void {
    this.pinged = { id: Math.max(PING_IDS_FROM, this.pinged.id + 1), atMs: this.ports.now() };
    this.send({ type: "ping", id: this.pinged.id });
  }

  private ponged(reply: Reply): void {
    if (reply.id === this.pinged.id && reply.server_time_ms !== undefined) this.clock.answered(reply.server_time_ms, this.pinged.atMs, this.lastFrameMs);
  }

  private said(bye: Bye): void {
    this.afterMs = bye.after_ms ?? [0, 0];
    this.dropped(bye.reconnect ? bye.code : 4403);
  }

  private async sendNewToken(): Promise<void> {
    const generation = this.generation;
    try {
      const token = await this.ports.token(true);
      if (generation === this.generation) this.send({ type: "token", token });
    } catch {
      // The server closes with 4401 when the token runs out, and the way from there is the same.
    }
  }

  private dropped(code: number): void {
    this.giveUpSocket();
    if (code === 4403) return this.enter("closed", "forbidden");
    if (code === 4440) return this.enter("closed", "protocol");
    this.freshToken = code === 4401;
    if (code === 4429) this.afterMs = [AFTER_RATE_LIMIT_MS, 2 * AFTER_RATE_LIMIT_MS];
    this.retryLater();
  }

  private retryLater(): void {
    const delay = backoffMs(this.attempt, this.ports.random, this.afterMs);
    this.attempt += 1;
    this.afterMs = [0, 0];
    this.enter("reconnecting");
    this.after("retry", delay, () => void this.connect());
  }

  private enter(phase: Phase, reason?: ClosedReason): void {
    const sinceMs = phase === this.status.phase ? this.status.sinceMs : this.ports.now();
    this.status = { phase, sinceMs, attempt: this.attempt, ...(reason ? { reason } : {}) };
    this.handlers.status(this.status);
  }

  private giveUpSocket(): void {
    this.generation += 1;
    for (const name of [...this.timers.keys()]) this.cancel(name);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private send(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }

  private after(name: TimerName, ms: number, run: () => void): void {
    this.cancel(name);
    const timer = this.ports.setTimer(() => {
      this.timers.delete(name);
      run();
    }, ms);
    this.timers.set(name, timer);
  }

  private every(name: TimerName, ms: number, run: () => void): void {
    this.after(name, ms, () => {
      run();
      this.every(name, ms, run);
    });
  }

  private cancel(name: TimerName): void {
    const timer = this.timers.get(name);
    if (timer === undefined) return;
    this.ports.clearTimer(timer);
    this.timers.delete(name);
  }
}

/** The token port rejects with this when only a new sign-in helps. */
export class SignedOut extends Error {}
