// Calls to the API: a bearer token in memory, refreshed by cookie, problems as typed errors.
import { SignedOut } from "../ws/connection.js";
import type { SignedInAnswer, User } from "./types.js";

/** An answer that is not a success, as application/problem+json describes it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterS: number | null,
  ) {
    super(message);
  }
}

const FRESH_FOR_MS = 30_000;
let accessToken = "";
let expiresAtMs = 0;
let refreshing: Promise<User> | null = null;
let whenSignedOut: () => void = () => undefined;

export function onSignedOut(run: () => void): void {
  whenSignedOut = run;
}

export async function signIn(email: string, password: string): Promise<User> {
  return keep(await answer<SignedInAnswer>(await post("/api/v1/auth/login", { email, password })));
}

export async function signOut(): Promise<void> {
  try {
    await post("/api/v1/auth/logout", {});
  } finally {
    forget();
  }
}

/** Who is signed in, from the refresh cookie; tabs take turns, because a refresh token works once. */
export function refresh(): Promise<User> {
  refreshing ??= locked(async () => keep(await answer<SignedInAnswer>(await post("/api/v1/auth/refresh", {})))).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** A token for the live socket; rejects with `SignedOut` when there is none to be had. */
export async function token(fresh: boolean): Promise<string> {
  if (!fresh && Date.now() < expiresAtMs - FRESH_FOR_MS) return accessToken;
  try {
    await refresh();
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
    forget();
    throw new SignedOut("Signed out");
  }
  return accessToken;
}

export async function get<T>(path: string): Promise<T> {
  return call<T>("GET", path);
}

export async function send<T>(path: string, body: object, method = "POST"): Promise<T> {
  return call<T>(method, path, body);
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  let response = await request(method, path, await token(false), body);
  if (response.status === 401) response = await request(method, path, await token(true), body);
  return answer<T>(response);
}

function request(method: string, path: string, bearer: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", Authorization: `Bearer ${bearer}` };
  if (body) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, credentials: "same-origin", ...(body ? { body: JSON.stringify(body) } : {}) });
}

function post(path: string, body: object): Promise<Response> {
  return fetch(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    credentials: "same-origin",
    body: JSON.stringify(body),
  });
}

async function answer<T>(response: Response): Promise<T> {
  const text = await response.text();
  const body: unknown = text === "" ? null : parsed(text);
  if (response.ok) return body as T;
  const problem = (body ?? {}) as { type?: string; title?: string; detail?: unknown };
  const code = String(problem.type ?? "").split(/[/:#]/).pop() ?? "";
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  const retryAfter = Number(response.headers.get("Retry-After"));
  throw new Problem(response.status, code, detail || problem.title || `The server answered ${response.status}`, retryAfter || null);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function keep(signedIn: SignedInAnswer): User {
  accessToken = signedIn.access_token;
  expiresAtMs = Date.now() + signedIn.expires_in * 1000;
  return signedIn.user;
}

function forget(): void {
  accessToken = "";
  expiresAtMs = 0;
  whenSignedOut();
}

async function locked<T>(run: () => Promise<T>): Promise<T> {
  // Absent outside of secure contexts; then tabs may collide, and the loser signs in again.
  if (!("locks" in navigator)) return run();
  return navigator.locks.request("paceline-refresh", run);
}
