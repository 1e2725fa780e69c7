// What stands in place of data: nothing yet, nothing at all, or an error that says what to do.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ComponentChildren } from "preact";
import { advice } from "../lib/api";
import { Button } from "./Button";
import { Icon, type IconName } from "./Icon";

export function EmptyState(p: { icon?: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      {p.icon && <Icon name={p.icon} size={22} />}
      <p class="empty-title">{p.title}</p>
      {p.children && <div class="empty-text">{p.children}</div>}
      {p.action && <div class="row">{p.action}</div>}
    </div>
  );
}

export function ErrorNotice({ error, retry, small }: { error: unknown; retry?: () => void; small?: boolean }) {
  return (
    <div class={`error-notice${small ? " error-small" : ""}`} role="alert">
      <Icon name="issues" />
      <div class="grow">
        <p class="strong breakable">{error instanceof Error ? error.message : String(error)}</p>
        <p class="muted">{advice(error)}</p>
      </div>
      {retry && (
        <Button small icon="refresh" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Grey lines the size of what will stand there. */
export function Skeleton({ lines = 1, height }: { lines?: number; height?: number }) {
  return (
    <div class="skeletons" aria-hidden="true">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class={`skeleton skeleton-${i % 4}`} style={height ? { height: `${height}px` } : undefined} />
      ))}
    </div>
  );
}

type Result<T> = Pick<UseQueryResult<T>, "data" | "error" | "isPending" | "refetch" | "isPlaceholderData">;

/** A query's three states. Data that is being replaced stays, dimmed; an error beside old data is shown above it. */
export function Loaded<T>(p: { result: Result<T>; skeleton?: ComponentChildren; children: (data: T) => ComponentChildren }) {
  const { data, error, refetch } = p.result;
  return (
    <>
      {error && <ErrorNotice error={error} retry={() => void refetch()} small={data !== undefined} />}
      {data !== undefined ? (
        p.children(data)
      ) : error ? null : (
        <div role="status" aria-label="Loading">
          {p.skeleton ?? <Skeleton lines={6} />}
        </div>
      )}
    </>
  );
}
