// Sign-in: mail and password; says how long a locked account stays locked.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../components/Icon.js";
import { ThemeButton } from "../components/TopBar.js";
import { age } from "../format.js";
import { Problem, signIn } from "../rest/client.js";
import { user } from "../state.js";

function explain(problem: unknown): string {
  if (!(problem instanceof Problem)) return "The server cannot be reached. Check the network and try again.";
  if (problem.status === 401) return "Mail address or password is wrong.";
  if (problem.status === 423) {
    const wait = problem.retryAfterS ? ` Try again in ${age(problem.retryAfterS * 1000)}.` : "";
    return `Too many failed attempts: this account is locked for a while.${wait}`;
  }
  return problem.message;
}

export function SignIn() {
  const busy = useSignal(false);
  const wrong = useSignal("");
  const mail = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Sign in · Paceline";
    mail.current?.focus();
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    wrong.value = "";
    try {
      user.value = await signIn(mail.current!.value.trim(), password.current!.value);
    } catch (problem) {
      wrong.value = explain(problem);
      password.current?.select();
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="signin">
      <form class="signin-box" onSubmit={(event) => void submit(event)}>
        <div class="signin-brand">
          <Icon name="pulse" />
          <h1>Paceline</h1>
        </div>
        <p class="muted">From strap to screen, every number trusted.</p>
        <label>
          Mail address
          <input ref={mail} type="email" name="email" autocomplete="username" required />
        </label>
        <label>
          Password
          <input ref={password} type="password" name="password" autocomplete="current-password" required />
        </label>
        <p class="signin-wrong" role="alert">
          {wrong.value}
        </p>
        <button type="submit" class="primary big" disabled={busy.value}>
          {busy.value ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <div class="signin-theme">
        <ThemeButton />
      </div>
    </main>
  );
}
