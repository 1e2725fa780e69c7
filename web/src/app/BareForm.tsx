// The page around a form that stands alone: signing in and setting up.
import type { ComponentChildren } from "preact";
import { Mark } from "./Frame";

export function BareForm(p: { title: string; lead?: ComponentChildren; onSubmit: (e: Event) => void; children: ComponentChildren }) {
  return (
    <main class="bare">
      <form class="bare-form" onSubmit={p.onSubmit}>
        <div class="bare-brand">
          <Mark size={34} />
          <span>Telltale</span>
        </div>
        <h1>{p.title}</h1>
        {p.lead && <p class="muted">{p.lead}</p>}
        {p.children}
      </form>
    </main>
  );
}
