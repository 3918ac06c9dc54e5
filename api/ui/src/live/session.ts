// Joins a running session to this page: record by REST, then the socket, then the signals that the views read.
import { intensityOf, liveSession, streamState } from "../rest/calls.js";
import { token } from "../rest/client.js";
import { user } from "../state.js";
import { LiveConnection, type SocketLike } from "../ws/connection.js";
import { LiveStore } from "./store.js";

export interface JoinedSession {
  store: LiveStore;
  leave(): void;
}

export async function joinSession(sessionId: string): Promise<JoinedSession> {
  const { session } = await liveSession(sessionId);
  const store = new LiveStore(session, (run) => void requestAnimationFrame(run), Date.now);
  const connection = new LiveConnection(sessionId, user.peek()!.id, store.handlers, {
    openSocket,
    token,
    loadState: () => streamState(sessionId),
    now: Date.now,
    random: Math.random,
    setTimer: (run, ms) => window.setTimeout(run, ms),
    clearTimer: (timer) => window.clearTimeout(timer),
  });
  const ticking = window.setInterval(() => store.tick(connection), 1000);
  const wake = (): void => {
    if (document.visibilityState === "visible") connection.wake();
  };
  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  connection.start();
  void intensityOf(sessionId).then((points) => store.seedIntensity(points), () => undefined);
  return {
    store,
    leave: () => {
      window.clearInterval(ticking);
      window.removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      connection.stop();
    },
  };
}

function openSocket(): SocketLike {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}/api/v1/live/ws`) as SocketLike;
}

