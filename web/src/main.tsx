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
import { firstData, patience } from "./app/first-data";
import { watchSession } from "./app/session";
import { basePath } from "./lib/base";
import { listenForKeys } from "./lib/keys";
import { applyPrefs } from "./lib/prefs";
import { queryClient } from "./lib/query";


applyPrefs();
listenForKeys();
watchSession();
measurePages();
void start();

/** What comes within a moment is in the first paint; a slow server does not hold the page up. */
async function start(): Promise<void> {
  await Promise.race([firstData(), patience()]);
  render(
    <QueryClientProvider client={queryClient}>
      <Router base={basePath}>
        <App />
      </Router>
    </QueryClientProvider>,
    document.getElementById("app")!,
  );
}
