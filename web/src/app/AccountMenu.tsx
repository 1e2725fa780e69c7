import { navigate } from "../lib/base";
import { Menu } from "../kit/Overlay";
import { prefs, setPrefs } from "../lib/prefs";
import { useStore } from "../lib/store";
import { openHelp } from "./KeyHelp";
import { signOut, useSession } from "./session";

/** The person, their appearance, the way out. */
export function AccountMenu() {
  const user = useSession().data?.user;
  const { theme, density } = useStore(prefs);
  const next = theme === "system" ? "light" : theme === "light" ? "dark" : "system";
  return (
    <div class="account">
      <Menu
        label="Account and appearance"
        icon="user"
        button={<span class="account-name">{user ? user.name || user.email : "Account"}</span>}
        caret={false}
        items={[
          { label: `Theme: ${theme}`, icon: theme === "dark" ? "moon" : theme === "light" ? "sun" : "screen", hint: `→ ${next}`, run: () => setPrefs({ theme: next }) },
          {
            label: `Density: ${density}`,
            icon: "logs",
            run: () => setPrefs({ density: density === "compact" ? "comfortable" : "compact" }),
          },
          { label: "Keys", icon: "key", hint: "?", run: openHelp },
          { label: "Settings", icon: "settings", run: () => navigate("/settings/account") },
          { label: "Sign out", icon: "right", run: () => void signOut() },
        ]}
      />
    </div>
  );
}
