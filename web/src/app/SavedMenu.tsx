// Searches that people keep: the menu is a button until it is opened, and the rest is fetched then.
import { Suspense, lazy } from "preact/compat";
import { Menu } from "../kit/Overlay";

const Body = lazy(() => import("./SavedBody"));

export function SavedMenu({ page }: { page: string }) {
  return (
    <Menu label="Saved searches" icon="star">
      {(close) => (
        <Suspense fallback={<p class="faint saved-wait">Loading</p>}>
          <Body page={page} onDone={close} />
        </Suspense>
      )}
    </Menu>
  );
}
