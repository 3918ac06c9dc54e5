// Entry: styles, session from the refresh cookie, page.
import "@fontsource-variable/archivo/wdth.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/classes.css";
import "./styles/live.css";
import "./styles/card.css";
import "./styles/panels.css";
import "./styles/dialog.css";
import "./styles/wall.css";
import "./styles/summary.css";
import "./styles/phone.css";
import { render } from "preact";
import { App } from "./app.js";
import { onSignedOut, Problem, refresh } from "./rest/client.js";
import { followLinks } from "./router.js";
import { say, user } from "./state.js";

followLinks();
onSignedOut(() => (user.value = null));
render(<App />, document.getElementById("app")!);

refresh().then(
  (signedIn) => (user.value = signedIn),
  (problem: unknown) => {
    if (!(problem instanceof Problem) || problem.status >= 500) say("The server cannot be reached. Sign in when it is back.", true);
    user.value = null;
  },
);
