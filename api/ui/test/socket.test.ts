import { describe, expect, it } from "vitest";
import { backoffMs } from "../src/ws/backoff.js";
import { LagMeter, ServerClock } from "../src/ws/clock.js";
import { applyMetrics, type MetricsView } from "../src/ws/metrics.js";
import type { MetricsUpdate } from "../src/ws/protocol.js";
import { judge } from "../src/ws/streams.js";
import { alertFrame, Bench, CHANNEL, keyframe, messageFrame, settled } from "./bench.js";

describe("a stream position", () => {
  const at = { epoch: "e", offset: 10 };
  it("tells the next message, a double and a hole apart", () => {
    expect(judge(at, 12, 10)).toBe("apply");
    expect(judge(at, 10, 7)).toBe("duplicate");
    expect(judge(at, 15, 12)).toBe("hole");
    expect(judge(at, 15, null)).toBe("apply");
    expect(judge(at, 15, 8)).toBe("apply");
    expect(judge(null, 5, 3)).toBe("apply");
  });
});

describe("metrics", () => {
  const delta = (from: number, version: number, rows: number[], columns: Record<string, unknown[]>): MetricsUpdate => ({
    ...keyframe(version, []),
    kind: "delta",
    from,
    rows,
    members: [],
    names: [],
    columns,
  });
  const start = applyMetrics(null, keyframe(1, [150, 140, 130]))!.view;
  it("a delta changes only its rows and leaves the others' objects alone", () => {
    const { view, changed } = applyMetrics(start, delta(1, 2, [2], { heart_rate_bpm: [131] }))!;
    expect(view.rows.map((row) => row.heart_rate_bpm)).toEqual([150, 140, 131]);
    expect(changed).toEqual([2]);
    expect(view.rows[0]).toBe(start.rows[0]);
  });
  it("a delta that does not fit, or before any keyframe, asks for one", () => {
    expect(applyMetrics(start, delta(2, 3, [0], {}))).toBeNull();
    expect(applyMetrics(null, delta(1, 2, [0], {}))).toBeNull();
    expect(applyMetrics(start, delta(1, 2, [7], { heart_rate_bpm: [1] }))).toBeNull();
  });
  it("a keyframe forgets columns that it does not name, and says when members changed", () => {
    const again = applyMetrics(start, keyframe(9, [150, 140, 130]))!;
    expect(again.reshaped).toBe(false);
    expect(applyMetrics(start, keyframe(9, [150]))!.reshaped).toBe(true);
    const bare = applyMetrics(start, { ...keyframe(9, [150, 140, 130]), columns: { state: ["left", "left", "left"] } })!;
    expect(bare.view.rows[0]).toEqual({ member_id: 1, name: "Member 1", state: "left" });
  });
  it("any cut of changes into deltas gives the same rows as one keyframe", () => {
    let random = 7;
    const next = (below: number): number => (random = (random * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 50; round += 1) {
      const values = Array.from({ length: 8 }, () => 100 + next(80));
      let view: MetricsView = applyMetrics(null, keyframe(1, values))!.view;
      for (let step = 0; step < 20; step += 1) {
        const rows = values.map((_, index) => index).filter(() => next(3) === 0);
        for (const index of rows) values[index] = 60 + next(120);
        view = applyMetrics(view, delta(view.version, view.version + 1 + next(3), rows, { heart_rate_bpm: rows.map((index) => values[index]!) }))!.view;
      }
      expect(view.rows.map((row) => row.heart_rate_bpm)).toEqual(values);
    }
  });
});

describe("waiting before a new attempt", () => {
  it("is full jitter under a growing cap", () => {
    expect(backoffMs(0, () => 0.999)).toBeLessThan(500);
    expect(backoffMs(3, () => 0.5)).toBe(2000);
    expect(backoffMs(30, () => 0.999)).toBeLessThan(20_000);
    expect(backoffMs(5, () => 0)).toBe(0);
  });
  it("honours the window that a leaving server asks for", () => {
    expect(backoffMs(0, () => 0.5, [1000, 3000])).toBe(2250);
  });
});

describe("the server's clock", () => {
  it("prefers the answer with the shortest round trip over anything told unasked", () => {
    const clock = new ServerClock();
    clock.told(5000, 1000);
    clock.answered(6120, 1000, 1200);
    clock.answered(7510, 2000, 2020);
    expect(clock.offsetMs).toBe(5500);
    clock.restart();
    clock.told(900, 1000);
    clock.told(980, 1010);
    expect(clock.offsetMs).toBe(-30);
  });
  it("measures the lag only by updates that bring news", () => {
    const lag = new LagMeter();
    lag.observe(1000, 1040);
    lag.observe(1000, 9000);
    lag.observe(2000, 2060);
    lag.observe(3000, 3050);
    expect(lag.medianMs).toBe(50);
    expect(lag.newestReceivedMs).toBe(3000);
  });
});

describe("the connection", () => {
  it("says hello with the token in the first frame, and reads the state after subscribing", async () => {
    const bench = await Bench.live();
    expect(bench.sent[0]).toEqual({ type: "hello", version: 1, token: "token-1", subscriptions: [{ channel: "metrics:s" }, { channel: "alerts:s" }, { channel: "events:s" }, { channel: "user:3" }] });
    expect(bench.statesRead).toBe(1);
    expect(bench.phase).toBe("live");
  });

  it("comes back with where it stopped, and takes each message once", async () => {
    const bench = await Bench.live();
    bench.receive(alertFrame(12, 10, "a"));
    bench.receive(alertFrame(12, 10, "a"));
    bench.drop(1006);
    expect(bench.phase).toBe("reconnecting");
    await bench.reconnect();
    expect(bench.hello.subscriptions[1]).toEqual({ channel: CHANNEL, epoch: "e", offset: 12 });
    bench.welcome({ recovered: true });
    bench.receive(alertFrame(15, 12, "b"));
    await settled();
    expect(bench.alerts).toEqual(["a", "b"]);
    expect(bench.statesRead).toBe(1);
  });

  it("asks again, later and later, when the server does not know the session yet", async () => {
    const bench = await Bench.live();
    bench.receive(alertFrame(12, 10, "a"));
    bench.drop(1006);
    await bench.reconnect();
    const error = { code: "unknown_session", message: "There is no session s.", temporary: true };
    const subscriptions = ["metrics:s", CHANNEL, "events:s"].map((channel) => ({ channel, error }));
    bench.receive({ type: "welcome", connection: "c", heartbeat_s: 10, server_time_ms: 0, subscriptions });
    expect(bench.phase).toBe("reconnecting");
    await bench.reconnect();
    expect(bench.hello.subscriptions[1]).toEqual({ channel: CHANNEL, epoch: "e", offset: 12 });
    bench.welcome({ recovered: true });
    bench.receive(alertFrame(15, 12, "b"));
    await settled();
    expect([bench.phase, bench.alerts]).toEqual(["live", ["a", "b"]]);
  });

  it("reads the state when what it missed cannot be proven, and loses nothing that comes meanwhile", async () => {
    const bench = await Bench.live();
    bench.receive(alertFrame(12, 10, "a"));
    bench.drop(1006);
    await bench.reconnect();
    const release = bench.holdState({ epoch: "f", offset: 20 }, ["missed"]);
    bench.welcome({ recovered: false, epoch: "f" });
    bench.receive(alertFrame(20, 18, "in the state already"));
    bench.receive(alertFrame(22, 20, "after the state"));
    release();
    await settled();
    expect(bench.alerts).toEqual(["a", "state:missed", "after the state"]);
  });

  it("asks for the messages in a hole from where it stands, and applies them in order", async () => {
    const bench = await Bench.live();
    bench.receive(alertFrame(12, 10, "a"));
    bench.receive(alertFrame(18, 15, "c"));
    bench.receive(alertFrame(21, 18, "d"));
    const asked = bench.sent.filter((frame) => frame.type === "subscribe");
    expect(asked).toEqual([{ type: "subscribe", id: 1, channel: CHANNEL, epoch: "e", offset: 12 }]);
    bench.receive({ type: "reply", id: 1, ok: true, subscription: { channel: CHANNEL, epoch: "e", offset: 12, recovered: true } });
    for (const [offset, previous, id] of [[15, 12, "b"], [18, 15, "c"], [21, 18, "d"]] as const) bench.receive(alertFrame(offset, previous, id));
    expect(bench.alerts).toEqual(["a", "b", "c", "d"]);
  });

  it("hands on the messages to its user, once each, also those missed", async () => {
    const bench = await Bench.live();
    bench.receive(messageFrame(12, null, "a"));
    bench.receive(messageFrame(12, null, "a"));
    bench.drop(1006);
    await bench.reconnect();
    expect(bench.hello.subscriptions[3]).toEqual({ channel: "user:3", epoch: "e", offset: 12 });
    bench.welcome({ recovered: true });
    bench.receive(messageFrame(17, 12, "b"));
    expect(bench.messages).toEqual(["a", "b"]);
  });

  it("goes by the state after a gap", async () => {
    const bench = await Bench.live();
    bench.nextState({ epoch: "e", offset: 900 }, ["in the gap"]);
    bench.receive({ type: "gap", channel: CHANNEL, epoch: "e", offset: 800 });
    await settled();
    bench.receive(alertFrame(850, 800, "old"));
    bench.receive(alertFrame(905, 850, "new"));
    expect(bench.alerts).toEqual(["state:in the gap", "new"]);
  });

  it("starts anew when the state cannot be read", async () => {
    const bench = await Bench.live();
    bench.failState();
    bench.receive({ type: "gap", channel: CHANNEL, epoch: "e", offset: 800 });
    await settled();
    expect(bench.phase).toBe("reconnecting");
    await bench.reconnect();
    expect(bench.hello.subscriptions[1]).toEqual({ channel: CHANNEL });
  });

  it("opens batches", async () => {
    const bench = await Bench.live();
    bench.receive({ type: "batch", messages: [alertFrame(12, 10, "a"), alertFrame(14, 12, "b")] });
    expect(bench.alerts).toEqual(["a", "b"]);
  });

  it("asks for a keyframe at most once a second", async () => {
    const bench = await Bench.live();
    const unfit = { ...keyframe(9, [1]), kind: "delta", from: 7 };
    bench.receive(unfit);
    bench.receive(unfit);
    bench.pass(1000);
    bench.receive(unfit);
    expect(bench.sent.filter((frame) => frame.type === "key")).toHaveLength(2);
  });

  it("acknowledges what arrived, cumulatively, every two seconds or fifty messages", async () => {
    const bench = await Bench.live();
    bench.receive(alertFrame(12, 10, "a"));
    bench.pass(2000);
    expect(bench.sent.filter((frame) => frame.type === "ack" && frame.channel === CHANNEL)).toEqual([{ type: "ack", channel: CHANNEL, offset: 12 }]);
    for (let n = 0; n < 50; n += 1) bench.receive(alertFrame(13 + n, 12 + n, `${n}`));
    expect(bench.sent.filter((frame) => frame.type === "ack" && frame.channel === CHANNEL).at(-1)).toEqual({ type: "ack", channel: CHANNEL, offset: 62 });
  });

  it("gives a silent socket up after 25 s, but not one with heartbeats", async () => {
    const bench = await Bench.live();
    for (let n = 0; n < 4; n += 1) {
      bench.pass(10_000);
      bench.receive({ type: "heartbeat", server_time_ms: bench.now });
    }
    expect(bench.phase).toBe("live");
    bench.pass(24_999);
    expect(bench.phase).toBe("live");
    bench.pass(2);
    expect(bench.phase).toBe("reconnecting");
  });

  it("fetches a new token after 4401, and stops when there is none", async () => {
    const bench = await Bench.live();
    bench.drop(4401);
    await bench.reconnect();
    expect(bench.hello.token).toBe("token-2");
    bench.signOut();
    bench.drop(4401);
    bench.pass(20_000);
    await settled();
    expect(bench.closedBecause).toBe("signed_out");
  });

  it("renews the token on the open socket when asked", async () => {
    const bench = await Bench.live();
    bench.receive({ type: "refresh", expires_in_s: 60 });
    await settled();
    expect(bench.sent.at(-1)).toEqual({ type: "token", token: "token-2" });
  });

  it.each([[4403, "forbidden"], [4440, "protocol"]])("does not come back after %i", async (code, reason) => {
    const bench = await Bench.live();
    bench.drop(code);
    bench.pass(60_000);
    expect(bench.closedBecause).toBe(reason);
    expect(bench.socketsOpened).toBe(1);
  });

  it("waits as long as a leaving server asks", async () => {
    const bench = await Bench.live();
    bench.receive({ type: "bye", code: 4410, reconnect: true, after_ms: [3000, 3000] });
    bench.pass(2999);
    await settled();
    expect(bench.socketsOpened).toBe(1);
    bench.pass(600);
    await settled();
    expect(bench.socketsOpened).toBe(2);
  });

  it("grows the wait from try to try, and forgets it after 30 s of a stable connection", async () => {
    const bench = await Bench.live();
    const waits: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      bench.drop(1006);
      waits.push(await bench.reconnect());
    }
    expect(waits).toEqual([250, 500, 1000, 2000]);
    bench.welcome({ recovered: true });
    bench.receive({ type: "heartbeat", server_time_ms: bench.now });
    bench.pass(15_000);
    bench.receive({ type: "heartbeat", server_time_ms: bench.now });
    bench.pass(15_001);
    bench.drop(1006);
    expect(await bench.reconnect()).toBe(250);
  });

  it("tries at once when the browser wakes, and leaves a healthy socket alone", async () => {
    const bench = await Bench.live();
    bench.connection.wake();
    expect(bench.phase).toBe("live");
    for (let n = 0; n < 6; n += 1) {
      bench.drop(1006);
      await bench.reconnect();
    }
    bench.drop(1006);
    bench.connection.wake();
    bench.pass(1000);
    await settled();
    expect(bench.socketsOpened).toBe(8);
  });

  it("survives frames that are no JSON or of an unknown type", async () => {
    const bench = await Bench.live();
    bench.receiveText("{");
    bench.receive({ type: "something_new" });
    bench.receive(alertFrame(12, 10, "a"));
    expect(bench.alerts).toEqual(["a"]);
  });

  it("is quiet once stopped", async () => {
    const bench = await Bench.live();
    bench.connection.stop();
    bench.pass(120_000);
    await settled();
    expect(bench.socketsOpened).toBe(1);
    expect(bench.timersLeft).toBe(0);
  });
});
