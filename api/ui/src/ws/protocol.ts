// The frames of the live socket, as docs/protocol.md describes them. Types only.

export type MemberState = "live" | "stale" | "no_strap" | "left";
export type SessionState = "active" | "paused" | "completed";
export type Severity = "info" | "warning" | "critical";
export type Scalar = number | string | null;

/** One member's row: the columns of `metrics_update` (schemas/live.py). A column never sent is absent. */
export interface MemberRow {
  member_id: number;
  name: string;
  state: MemberState;
  heart_rate_bpm?: number | null;
  heart_rate_at_ms?: number | null;
  heart_rate_10s_bpm?: number | null;
  heart_rate_60s_bpm?: number | null;
  heart_rate_avg_bpm?: number | null;
  heart_rate_max_bpm?: number | null;
  zone?: number | null;
  zone_s?: number[] | null;
  power_watts?: number | null;
  power_at_ms?: number | null;
  power_10s_watts?: number | null;
  power_avg_watts?: number | null;
  power_zone?: number | null;
  cadence_rpm?: number | null;
  cadence_at_ms?: number | null;
  speed_mps?: number | null;
  speed_at_ms?: number | null;
  pace_s_per_km?: number | null;
  pace_avg_s_per_km?: number | null;
  intensity?: number | null;
  intensity_60s?: number | null;
  effort_points?: number | null;
  trimp?: number | null;
  energy_kcal?: number | null;
  rmssd_ms?: number | null;
}

export interface ClassMetrics {
  expected: number;
  active_members: number;
  attended: number;
  attendance_rate: number;
  avg_heart_rate_bpm: number | null;
  avg_intensity: number | null;
  avg_intensity_60s: number | null;
  intensity_distribution: Record<string, number>;
  zone_counts: number[];
}

export interface MetricsUpdate {
  type: "metrics_update";
  channel: string;
  session_id: string;
  version: number;
  from?: number | null;
  kind: "key" | "delta";
  event_time_ms: number;
  received_time_ms: number;
  session_state: SessionState;
  rows: number[];
  members: number[];
  names: string[];
  columns: Record<string, unknown[]>;
  /** Kept from a member who could read others' values out of a small class's means. */
  class_metrics: ClassMetrics | null;
}

export interface AlertBody {
  severity: Severity;
  message: string;
  metric: string;
  current: number | null;
  threshold: number | null;
  suggested_action: string;
}

export interface Alert {
  alert_id: string;
  version: number;
  session_id: string;
  member_id: number | null;
  member_name: string;
  rule: string;
  state: "active" | "cleared";
  raised_at_ms: number;
  updated_at_ms: number;
  cleared_at_ms: number | null;
  acknowledged_at_ms: number | null;
  acknowledged_by: string | null;
  repeated: number;
  alert: AlertBody;
}

/** What people did, such as `marker_added`; fields beyond these depend on the type. */
export interface SessionEvent {
  type: string;
  event_id: string;
  event_time_ms: number;
  actor_id?: number | null;
  member_id?: number | null;
  marker_type?: string;
  label?: string;
  text?: string;
  note_type?: string;
  reason?: string;
}

/** A message between trainer and members, over the socket and by REST; ids of users are texts. */
export interface ChatMessage {
  session_id: string;
  timestamp: string;
  message: {
    id: string;
    from: string;
    from_name: string;
    from_role: string;
    /** Null: the whole class. */
    to: string | null;
    text: string;
  };
}

interface StreamFrame {
  channel: string;
  offset: number;
  previous: number | null;
}

export interface AlertFrame extends Alert, StreamFrame {
  type: "alert";
}
export interface SessionEventFrame extends StreamFrame {
  type: "session_event";
  event: SessionEvent;
}
export interface MessageFrame extends ChatMessage, StreamFrame {
  type: "message";
}
export type StreamMessage = AlertFrame | SessionEventFrame | MessageFrame;

export interface Problem {
  code: string;
  message: string;
  /** Asked again in a moment, it may be granted. */
  temporary?: boolean;
}

export interface Subscribed {
  channel: string;
  mode?: "stream" | "cache";
  epoch?: string;
  offset?: number;
  recovered?: boolean;
  replayed?: number;
  state?: string;
  error?: Problem;
}

export interface Welcome {
  type: "welcome";
  connection: string;
  heartbeat_s: number;
  server_time_ms: number;
  subscriptions: Subscribed[];
}
export interface Heartbeat {
  type: "heartbeat";
  server_time_ms: number;
}
export interface Gap {
  type: "gap";
  channel: string;
  epoch: string;
  offset: number;
  state?: string;
}
export interface Refresh {
  type: "refresh";
  expires_in_s: number;
}
export interface Reply {
  type: "reply";
  id: number;
  ok: boolean;
  error?: Problem;
  /** Of `subscribe`. */
  subscription?: Subscribed;
  /** Of `ping`. */
  server_time_ms?: number;
}
/** The right to a channel ended. */
export interface Unsubscribed {
  type: "unsubscribed";
  channel: string;
  error: Problem;
}
export interface Bye {
  type: "bye";
  code: number;
  reconnect: boolean;
  after_ms?: [number, number];
}
export type ServerFrame = MetricsUpdate | StreamMessage | Welcome | Heartbeat | Gap | Refresh | Reply | Unsubscribed | Bye;

export interface Position {
  epoch: string;
  offset: number;
}

/** What the REST state of a session says, as far as the socket needs it: where each stream stood when it was read. */
export interface StreamState {
  positions: Record<string, Position>;
  alerts: Alert[];
  events: SessionEvent[];
  messages: ChatMessage[];
}
