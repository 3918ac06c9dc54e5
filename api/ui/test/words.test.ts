import { describe, expect, it } from "vitest";
import { sorted } from "../src/components/SummaryTable.js";
import { freshness } from "../src/components/Connection.js";
import { pathWords } from "../src/components/LivePath.js";
import { age, dayWord, duration, lag, number, pace, percent, timeOfDay, wallNames, words } from "../src/format.js";
import type { SummaryMember } from "../src/rest/types.js";
import { match } from "../src/router.js";
import { themeInEffect } from "../src/state.js";

describe("how things are written", () => {
  it("durations and ages", () => {
    expect([duration(75), duration(3675), duration(-3), duration(599.9)]).toEqual(["1:15", "1:01:15", "0:00", "9:59"]);
    expect([age(900), age(59_999), age(61_000), age(7_300_000)].map((text) => text.replace(/\s/, " "))).toEqual(["0 s", "59 s", "1 min", "2 h"]);
    expect([lag(40.4), lag(1234)].map((text) => text.replace(/\s/, " "))).toEqual(["40 ms", "1.2 s"]);
  });
  it("24 hours", () => {
    expect(timeOfDay(new Date(2026, 10, 21, 18, 5).getTime())).toBe("18:05");
  });
  it("unknown values as a dash, never as zero or NaN", () => {
    expect([number(null), number(undefined), number(Number.NaN, 1), percent(null), pace(0), pace(null)]).toEqual(Array(6).fill("–"));
    expect([number(6.25, 1), pace(305)]).toEqual(["6.3", "5:05"]);
  });
  it("days near today as words", () => {
    const now = new Date(2026, 10, 21, 12).getTime();
    expect([0, 1, -1].map((days) => dayWord(now + days * 86_400_000, now))).toEqual(["Today", "Tomorrow", "Yesterday"]);
  });
  it("identifiers as words", () => {
    expect([words("spin_intervals"), words("hiit")]).toEqual(["Spin intervals", "HIIT"]);
  });
  it("short names on the wall, whole ones where two would read the same", () => {
    expect(wallNames(["Ann Kowalska", "Bo", "Ann Kern", "Cid van Dyk"])).toEqual(["Ann Kowalska", "Bo", "Ann Kern", "Cid D."]);
  });
});

describe("addresses", () => {
  it("name a page, and strange ones name none", () => {
    const sid = "5eed0001-4000-8000-0000-000000000001";
    expect(match("/")).toEqual({ page: "classes" });
    expect(match("/classes/7/live")).toEqual({ page: "live", classId: 7 });
    expect(match("/classes/7/wall")).toEqual({ page: "wall", classId: 7 });
    expect(match(`/sessions/${sid.toUpperCase()}/summary`)).toEqual({ page: "summary", sessionId: sid });
    for (const path of ["/classes/x/live", "/classes/7/other", "/sessions/7/summary", "/nothing"]) expect(match(path)).toEqual({ page: "unknown" });
  });
});

describe("connection in words", () => {
  const now = 1_790_000_000_000;
  const say = (phase: "live" | "reconnecting" | "connecting", lagMs: number | null, newest: number) =>
    freshness({ phase, sinceMs: 0, attempt: 0 }, lagMs, newest, now).words.replace(/\s/g, " ");
  it("says how old the news is, and never live without news", () => {
    expect(say("live", 40, now - 100)).toBe("live · 40 ms");
    expect(say("live", 40, now - 12_000)).toBe("connected · last data 12 s ago");
    expect(say("live", null, 0)).toBe("connected · no data yet");
    expect(say("reconnecting", 40, now - 7000)).toBe("reconnecting… · last data 7 s ago");
    expect(say("connecting", null, 0)).toBe("connecting…");
  });
});

describe("theme", () => {
  it("follows the system, but the wall is dark unless somebody chose", () => {
    expect(themeInEffect("auto", false, false)).toBe("light");
    expect(themeInEffect("auto", false, true)).toBe("dark");
    expect(themeInEffect("light", true, true)).toBe("light");
  });
});

describe("the summary's table", () => {
  const member = (member_name: string, intensity: number | null, attended = true) => ({ member_name, intensity, attended }) as SummaryMember;
  it("sorts numbers, keeps unknown ones behind and absent members last", () => {
    const all = [member("A", null), member("B", 3), member("C", null, false), member("D", 8)];
    expect(sorted(all, "intensity", true).map((one) => one.member_name)).toEqual(["D", "B", "A", "C"]);
    expect(sorted(all, "intensity", false).map((one) => one.member_name)).toEqual(["B", "D", "A", "C"]);
    expect(sorted(all, "member_name", true).map((one) => one.member_name)).toEqual(["D", "B", "A", "C"]);
  });
});

describe("the live path", () => {
  const path = { state: "ok", last_ms: 84, median_ms: 80, back_s_ago: 3, problem: "", remedy: "" } as const;
  it("is one quiet figure while it is open", () => {
    expect(pathWords(path)).toEqual({ kind: "good", words: expect.stringMatching(/^live path 84\sms$/), warning: "" });
  });
  it("says nothing while nothing is known, or nobody watches it", () => {
    expect([null, { ...path, state: "off" as const }, { ...path, state: "starting" as const, last_ms: null }].map(pathWords)).toEqual([null, null, null]);
  });
  it("is a warning with the server's own words when it is slow or broken", () => {
    const wrong = { ...path, problem: "Flow live is behind", remedy: "Ask the doctor." };
    const slow = pathWords({ ...wrong, state: "slow" });
    expect([slow?.kind, slow?.words, slow?.warning]).toEqual(["waiting", "live path slow", "What you see comes late. Flow live is behind. Ask the doctor."]);
    const broken = pathWords({ ...wrong, state: "missing", last_ms: null });
    expect([broken?.kind, broken?.words]).toEqual(["bad", "live path broken"]);
    expect(broken?.warning).toMatch(/may be old\. Flow live is behind\. Ask the doctor\.$/);
  });
});
