// What the REST answers look like to these pages. Types only.
import type { Alert, ChatMessage, ClassMetrics, SessionEvent, SessionState } from "../ws/protocol.js";

export type Role = "member" | "trainer" | "observer" | "admin";
export interface User {
  id: number;
  name: string;
  email?: string;
  role: Role;
}
export interface SignedInAnswer {
  access_token: string;
  expires_in: number;
  user: User;
}
export interface Person {
  id: number;
  name: string;
}
export interface Strap {
  address: string;
  name: string;
  measures: string;
  signal_dbm: number | null;
  battery_percent: number | null;
  state: "near" | "looking" | "connecting" | "live" | "resting";
  seen_by: string;
  seen_at: string;
  member: Person | null;
}
export interface StrapsAnswer {
  straps: Strap[];
  members: Person[];
}
export interface Segment {
  name: string;
  duration_s: number;
}
export interface GymClass {
  id: number;
  name: string;
  class_type: string;
  trainer: { id: number; name: string } | null;
  starts_at: string;
  planned_duration_s: number;
  segments: Segment[];
  roster_count: number;
  session: { session_id: string; state: SessionState; started_at_ms: number } | null;
  last_session_id: string | null;
}
export interface PastSession {
  session_id: string;
  class_id: number | null;
  class_name: string;
  class_type: string;
  started_at_ms: number;
  ended_at_ms: number | null;
  expected: number;
  /** Null until the summary is written. */
  attended: number | null;
  average_intensity: number | null;
}
export interface Participant {
  member_id: number;
  name: string;
  max_heart_rate_bpm?: number;
  heart_rate_zone_floors_bpm: number[];
  ftp_watts?: number | null;
}
/** The session's record (schemas/directory.py); fields at their default are left out of it. */
export interface SessionRecord {
  session_id: string;
  class_id?: number | null;
  class_name: string;
  class_type: string;
  trainer_id?: number | null;
  trainer_name?: string;
  state?: SessionState;
  started_at_ms: number;
  planned_duration_s?: number;
  ended_at_ms?: number | null;
  segments?: Segment[];
  limits?: { intensity_low?: number; intensity_high?: number };
  participants?: Participant[];
}
export interface LiveSession {
  session: SessionRecord;
  server_time_ms: number;
}
export interface StateAnswer {
  channels?: Record<string, { epoch: string; offset: number }>;
  alerts: Alert[];
  events: SessionEvent[];
}
export interface MessagesAnswer {
  channels?: Record<string, { epoch: string; offset: number }>;
  messages: ChatMessage[];
}
export type Point = [number, number | null];
export interface Series {
  metric: string;
  unit: string;
  points: Point[];
}
export interface Finding {
  type: string;
  message: string;
  member_id?: number;
  member_name?: string;
}
export interface SummaryMember {
  member_id: number;
  member_name: string;
  attended: boolean;
  heart_rate_avg_bpm: number | null;
  heart_rate_max_bpm: number | null;
  zone_s: number[];
  intensity: number | null;
  effort_points: number | null;
  trimp: number | null;
  energy_kcal: number | null;
  power_avg_watts: number | null;
  alerts: number;
}
export interface Summary {
  session_id: string;
  class_id: number | null;
  class_name: string;
  class_type: string;
  date: string;
  started_at_ms: number;
  ended_at_ms: number;
  duration_minutes: number;
  attendance: { expected: number; actual: number };
  intensity: { average: number | null; distribution: { low: number; medium: number; high: number } };
  performance_highlights: Finding[];
  improvement_areas: Finding[];
  member_achievements: Finding[];
  members: SummaryMember[];
  revision: number;
  corrections?: { revision: number; late_events: number; reason: string }[];
  late_events: number;
  computed_from: string;
}
export type { Alert, ClassMetrics, SessionEvent };

/** How long the newest test value needed through the whole house, and what is wrong when it was slow or lost. */
export interface LivePathState {
  state: "off" | "starting" | "ok" | "slow" | "missing";
  last_ms: number | null;
  median_ms: number | null;
  back_s_ago: number | null;
  problem: string;
  remedy: string;
}

export interface Health {
  status: string;
  live_path: LivePathState;
}
