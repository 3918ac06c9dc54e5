// What a session's channels say, in order and without doubles or silent holes. Knows frames, not sockets.
import { applyMetrics, type Applied, type MetricsView } from "./metrics.js";
import type { Alert, ChatMessage, Gap, MetricsUpdate, Position, Problem, Reply, SessionEvent, StreamMessage, StreamState, Subscribed } from "./protocol.js";
import { advance, judge } from "./streams.js";

export interface FeedHandlers {
  metrics(applied: Applied): void;
  alert(alert: Alert): void;
  event(event: SessionEvent): void;
  message(message: ChatMessage): void;
  /** A whole state read by REST: it replaces what was known of alerts, events and messages. */
  state(state: StreamState): void;
  refused(channel: string, problem: Problem): void;
}

export interface FeedPorts {
  send(frame: object): void;
  now(): number;
  loadState(): Promise<StreamState>;
  /** The state could not be read; the connection is to be made anew. */
  recoveryFailed(): void;
}

interface Stream {
  position: Position | null;
  epoch: string;
  /** While a state is being read by REST, messages wait here; otherwise `null`. */
  waiting: StreamMessage[] | null;
  /** Id of the subscription that asks for the messages in a hole, until it is answered. */
  asking: number | null;
  acked: number;
}

const ASK_KEY_EVERY_MS = 1000;
const ACK_AT_MESSAGES = 50;

export class SessionFeed {
  private view: MetricsView | null = null;
  private readonly streams = new Map<string, Stream>();
  private keyAskedAt = Number.NEGATIVE_INFINITY;
  private ackedVersion = 0;
  private lastId = 0;
  private unacked = 0;
  /** Grows with every socket, so that a state read for an old one is not taken for the new one. */
  private generation = 0;
  private reading = false;

  constructor(
    private readonly metricsChannel: string,
    streamChannels: string[],
    private readonly handlers: FeedHandlers,
    private readonly ports: FeedPorts,
  ) {
    for (const channel of streamChannels) {
      this.streams.set(channel, { position: null, epoch: "", waiting: null, asking: null, acked: -1 });
    }
  }

  /** For `hello`: every channel, the streams with the position where this reader stopped. */
  subscriptions(): object[] {
    const streams = [...this.streams].map(([channel, stream]) => ({ channel, ...stream.position }));
    return [{ channel: this.metricsChannel }, ...streams];
  }

  welcomed(subscriptions: Subscribed[]): void {
    this.generation += 1;
    this.reading = false;
    // A session that began a moment ago may not have reached this server yet: asked anew, it or another one knows it.
    if (subscriptions.some((subscribed) => subscribed.error?.temporary)) return this.ports.recoveryFailed();
    const lost = subscriptions.filter((subscribed) => this.settle(subscribed));
    if (lost.length > 0) this.recover(lost);
  }

  /** Takes up the answer to a subscription; true when the messages missed cannot be had from the stream. */
  private settle(subscribed: Subscribed): boolean {
    if (subscribed.error) {
      this.handlers.refused(subscribed.channel, subscribed.error);
      return false;
    }
    const stream = this.streams.get(subscribed.channel);
    if (!stream) return false;
    stream.asking = null;
    stream.waiting = null;
    stream.epoch = subscribed.epoch ?? stream.epoch;
    if (subscribed.recovered !== true) stream.position = null;
    return stream.position === null;
  }

  metricsUpdate(update: MetricsUpdate): void {
    if (update.channel !== this.metricsChannel) return;
    const applied = applyMetrics(this.view, update);
    if (applied) {
      this.view = applied.view;
      this.handlers.metrics(applied);
    } else if (this.ports.now() - this.keyAskedAt >= ASK_KEY_EVERY_MS) {
      this.keyAskedAt = this.ports.now();
      this.ports.send({ type: "key", channel: this.metricsChannel });
    }
  }

  streamMessage(message: StreamMessage): void {
    const stream = this.streams.get(message.channel);
    if (!stream) return;
    if (stream.waiting) {
      stream.waiting.push(message);
      return;
    }
    const verdict = judge(stream.position, message.offset, message.previous);
    if (verdict === "hole") this.askForHole(message.channel, stream);
    if (verdict !== "apply") return;
    this.deliver(message);
    stream.position = advance(stream.position, stream.epoch, message.offset);
    this.unacked += 1;
    if (this.unacked >= ACK_AT_MESSAGES) this.acknowledge();
  }

  gap(gap: Gap): void {
    const stream = this.streams.get(gap.channel);
    if (!stream) return;
    stream.epoch = gap.epoch;
    this.recover([gap]);
  }

  reply(reply: Reply): void {
    for (const [channel, stream] of this.streams) {
      if (stream.asking !== reply.id) continue;
      stream.asking = null;
      const { subscription } = reply;
      if (!reply.ok || !subscription || this.settle(subscription)) this.recover([{ channel }]);
    }
  }

  /** Tells the server what arrived; cumulative, so it may be called at any time. */
  acknowledge(): void {
    this.unacked = 0;
    if (this.view && this.view.version !== this.ackedVersion) {
      this.ackedVersion = this.view.version;
      this.ports.send({ type: "ack", channel: this.metricsChannel, offset: this.view.version });
    }
    for (const [channel, stream] of this.streams) {
      if (stream.position === null || stream.position.offset <= stream.acked) continue;
      stream.acked = stream.position.offset;
      this.ports.send({ type: "ack", channel, offset: stream.position.offset });
    }
  }

  private askForHole(channel: string, stream: Stream): void {
    if (stream.asking !== null || stream.position === null) return;
    this.lastId += 1;
    stream.asking = this.lastId;
    this.ports.send({ type: "subscribe", id: this.lastId, channel, ...stream.position });
  }

  private deliver(message: StreamMessage): void {
    if (message.type === "alert") this.handlers.alert(message);
    else if (message.type === "session_event") this.handlers.event(message.event);
    else this.handlers.message(message);
  }

  /** Messages of these channels wait until the state is read; the ones it already contains are then left out. */
  private recover(channels: { channel: string; epoch?: string; offset?: number }[]): void {
    for (const { channel, offset } of channels) {
      const stream = this.streams.get(channel);
      if (!stream) continue;
      stream.waiting ??= [];
      stream.position = offset === undefined ? stream.position : { epoch: stream.epoch, offset };
    }
    if (!this.reading) void this.readState(this.generation);
  }

  private async readState(generation: number): Promise<void> {
    this.reading = true;
    try {
      const state = await this.ports.loadState();
      if (generation !== this.generation) return;
      this.reading = false;
      this.handlers.state(state);
      for (const [channel, stream] of this.streams) this.resume(stream, state.positions[channel]);
    } catch {
      if (generation !== this.generation) return;
      this.reading = false;
      // Without a position the next hello leads here again.
      for (const stream of this.streams.values()) if (stream.waiting) stream.position = null;
      this.ports.recoveryFailed();
    }
  }

  private resume(stream: Stream, position: Position | undefined): void {
    const waiting = stream.waiting;
    if (position && (waiting || stream.position?.epoch !== position.epoch)) {
      stream.position = position;
      stream.epoch = position.epoch;
    }
    stream.waiting = null;
    for (const message of waiting ?? []) this.streamMessage(message);
  }
}
