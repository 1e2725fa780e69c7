import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/kit.css";
import "./styles/table.css";
import "./styles/overlay.css";
import "./styles/frame.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "preact";
import { Router } from "wouter";
import { App } from "./app/App";
import { measurePages } from "./app/measure";
import { prefetch } from "./app/routes";
import { watchSession } from "./app/session";
import { basePath, herePath } from "./lib/base";
import { listenForKeys } from "./lib/keys";
import { applyPrefs } from "./lib/prefs";
import { queryClient } from "./lib/query";

applyPrefs();
prefetch(herePath()); // the page's code comes while the session is asked for
listenForKeys();
watchSession();
measurePages();

render(
  <QueryClientProvider client={queryClient}>
    <Router base={basePath}>
      <App />
    </Router>
  </QueryClientProvider>,
  document.getElementById("app")!,
);
