// The frame around every page: theme, guard, title, short messages.
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { match, navigate, path } from "./router.js";
import { theme, themeInEffect, user } from "./state.js";
import { ClassList } from "./views/ClassList.js";
import { LiveClass } from "./views/LiveClass.js";
import { SignIn } from "./views/SignIn.js";
import { StrapList } from "./views/StrapList.js";
import { SummaryPage } from "./views/SummaryPage.js";
import { Spoken } from "./components/Spoken.js";
import { TopBar } from "./components/TopBar.js";

export function App() {
  useTheme();
  return (
    <>
      <Page />
      <Spoken depth={0} />
    </>
  );
}

function Page() {
  const route = match(path.value);
  if (user.value === undefined) return <main class="center" aria-busy="true"><p class="muted">Opening Paceline…</p></main>;
  if (user.value === null) return <SignIn />;
  switch (route.page) {
    case "signin":
      navigate("/", { replace: true });
      return null;
    case "classes":
      return <ClassList />;
    case "straps":
      return <StrapList />;
    case "live":
      return <LiveClass key={`live-${route.classId}`} classId={route.classId} wall={false} />;
    case "wall":
      return <LiveClass key={`wall-${route.classId}`} classId={route.classId} wall />;
    case "summary":
      return <SummaryPage key={route.sessionId} sessionId={route.sessionId} />;
    case "unknown":
      return <NotFound />;
  }
}

function NotFound() {
  return (
    <>
      <TopBar />
      <main class="center">
        <h1>There is no such page</h1>
        <p>
          <a href="/">Go to your classes</a>
        </p>
      </main>
    </>
  );
}

function useTheme(): void {
  const systemDark = useSignal(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = (): void => void (systemDark.value = query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  useSignalEffect(() => {
    const onWall = match(path.value).page === "wall" && user.value !== null;
    document.documentElement.dataset.theme = themeInEffect(theme.value, systemDark.value, onWall);
  });
}
