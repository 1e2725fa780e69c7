import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

type Kind = "plain" | "primary" | "quiet" | "danger";
interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "size"> {
  kind?: Kind;
  icon?: IconName;
  small?: boolean;
  /** Pressed state, for a button that switches something on and off. */
  on?: boolean;
  children?: ComponentChildren;
}

export function Button({ kind = "plain", icon, small, on, children, class: extra, ...rest }: Props) {
  const name = `btn btn-${kind}${small ? " btn-small" : ""}${children ? "" : " btn-icon"}${extra ? ` ${extra}` : ""}`;
  return (
    <button type="button" class={name} aria-pressed={on === undefined ? undefined : on} {...rest}>
      {icon && <Icon name={icon} size={small ? 14 : 16} />}
      {children && <span class="clip">{children}</span>}
    </button>
  );
}

/** A button that is only an icon: `label` names it for everyone. */
export function IconButton({ label, ...rest }: Omit<Props, "children"> & { label: string; icon: IconName }) {
  return <Button kind="quiet" aria-label={label} title={label} {...rest} />;
}

/** Copies `text`; says so in place. */
export function CopyButton({ text, label = "Copy", small = true }: { text: string; label?: string; small?: boolean }) {
  const [done, setDone] = useState(false);
  const run = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button kind="quiet" small={small} icon={done ? "check" : "copy"} aria-label={label} title={label} onClick={run}>
      {done ? "Copied" : undefined}
    </Button>
  );
}

/** The clipboard API needs HTTPS or loopback; elsewhere a selected field does. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "hear-only";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

export function Kbd({ caps }: { caps: readonly string[] }) {
  return (
    <span class="kbds">
      {caps.map((cap, i) => (
        <kbd key={i}>{cap}</kbd>
      ))}
    </span>
  );
}
