// One function per REST call that these pages make.
import type { Alert, ChatMessage, SessionEvent, StreamState } from "../ws/protocol.js";
import { get, send } from "./client.js";
import type { GymClass, Health, LiveSession, MessagesAnswer, PastSession, Point, Series, StateAnswer, StrapsAnswer, Summary } from "./types.js";

const session = (id: string): string => `/api/v1/sessions/${encodeURIComponent(id)}`;
const MESSAGES = "/api/v1/live/messages";
const live = (id: string): string => `/api/v1/live/sessions/${encodeURIComponent(id)}`;

export const classes = async (): Promise<GymClass[]> => (await get<{ classes: GymClass[] }>("/api/v1/classes")).classes;
export const gymClass = (id: number): Promise<GymClass> => get<GymClass>(`/api/v1/classes/${id}`);
export const pastSessions = async (limit: number): Promise<PastSession[]> =>
  (await get<{ sessions: PastSession[] }>(`/api/v1/sessions?limit=${limit}`)).sessions;

export const health = (): Promise<Health> => get<Health>("/health");

export const startClass = (id: number): Promise<{ session_id: string }> => send(`/api/v1/classes/${id}/start`, {});
export const pauseClass = (id: number): Promise<unknown> => send(`/api/v1/classes/${id}/pause`, {});
export const resumeClass = (id: number): Promise<unknown> => send(`/api/v1/classes/${id}/resume`, {});
export const endClass = (id: number): Promise<{ session_id: string }> => send(`/api/v1/classes/${id}/end`, {});

export const liveSession = (id: string): Promise<LiveSession> => get<LiveSession>(live(id));
export const alertsOf = async (id: string): Promise<Alert[]> => (await get<{ alerts: Alert[] }>(`${session(id)}/alerts`)).alerts;
export const eventsOf = async (id: string): Promise<SessionEvent[]> => (await get<{ events: SessionEvent[] }>(`${session(id)}/events`)).events;
export const intensityOf = async (id: string): Promise<Point[]> => (await get<{ points: Point[] }>(`${session(id)}/intensity`)).points;
export const summaryOf = (id: string): Promise<Summary> => get<Summary>(`${session(id)}/summary`);

/** The position of the messages is read before the messages themselves, so they hold everything up to it. */
export const streamState = async (id: string): Promise<StreamState> => {
  const mine = await get<MessagesAnswer>(`${MESSAGES}?limit=1`);
  const [state, said] = await Promise.all([get<StateAnswer>(`${live(id)}/state`), get<MessagesAnswer>(`${MESSAGES}/${encodeURIComponent(id)}`)]);
  return { positions: { ...state.channels, ...mine.channels }, alerts: state.alerts, events: state.events, messages: said.messages };
};
/** To one member, or to the whole class. */
export const sendMessage = (session_id: string, text: string, recipient_id: number | null): Promise<ChatMessage> =>
  send(MESSAGES, { session_id, text, recipient_id });

export const acknowledge = (alertId: string, sessionId: string): Promise<unknown> =>
  send(`/api/v1/alerts/${encodeURIComponent(alertId)}/acknowledge`, { session_id: sessionId });
export const addMarker = (id: string, marker_type: string, label: string): Promise<unknown> => send(`${session(id)}/markers`, { marker_type, label });
export const addNote = (id: string, text: string, member_id?: number): Promise<unknown> =>
  send(`${session(id)}/notes`, { text, note_type: member_id === undefined ? "class" : "member", ...(member_id === undefined ? {} : { member_id }) });
export const checkIn = (id: string, member_id: number): Promise<unknown> => send(`${session(id)}/checkins`, { member_id });
export const checkOut = (id: string, member_id: number): Promise<unknown> => send(`${session(id)}/checkouts`, { member_id });
export const rate = (id: string, member_id: number, rating_type: string, value: number): Promise<unknown> =>
  send(`${session(id)}/ratings`, { member_id, rating_type, value });

export const straps = (): Promise<StrapsAnswer> => get<StrapsAnswer>("/api/v1/straps");
/** To a member, or back to nobody. */
export const giveStrap = (address: string, member_id: number | null): Promise<unknown> =>
  send(`/api/v1/straps/${encodeURIComponent(address)}/member`, { member_id });

export const memberSeries = (memberId: number, sessionId: string, metric: string, step_s: number): Promise<Series> =>
  get<Series>(`/api/v1/members/${memberId}/series?session_id=${encodeURIComponent(sessionId)}&metric=${metric}&step_s=${step_s}`);

/** Lets this browser in at /dagster for a quarter of an hour, and longer while it is used. */
export const openDagster = (): Promise<unknown> => send("/api/v1/dagster/pass", {});
