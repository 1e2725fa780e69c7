// `?`: every key that does something on this page.
import { Kbd } from "../kit/Button";
import { Dialog } from "../kit/Overlay";
import { type Binding, keyCaps, keyMap } from "../lib/keys";
import { store, useStore } from "../lib/store";

const open = store(false);
export const openHelp = () => open.set(true);

export function KeyHelp() {
  const shown = useStore(open);
  const groups = new Map<string, Binding[]>();
  for (const b of shown ? keyMap.list() : []) {
    const group = b.group ?? "This page";
    groups.set(group, [...(groups.get(group) ?? []), b]);
  }
  return (
    <Dialog title="Keys" open={shown} onClose={() => open.set(false)} wide>
      <div class="keyhelp">
        {[...groups].map(([group, bindings]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {bindings.map((b) => (
                <div key={b.keys} class="row">
                  <dt class="grow">{b.label}</dt>
                  <dd>
                    <Kbd caps={keyCaps(b.keys)} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
