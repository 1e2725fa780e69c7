// Watching a job, or changing what is expected of it.
import { useState } from "preact/hooks";
import { ProjectChoice, useProjectChoice } from "../../app/ProjectChoice";
import { Button, Dialog, Field, Select, toast } from "../../kit";
import { post, put } from "../../lib/api";
import type { Monitor, MonitorConfig } from "../../lib/health";
import { queryClient } from "../../lib/query";
import { setUrl } from "../../lib/url";

const UNITS = ["minute", "hour", "day", "week", "month", "year"].map((u) => [u, `${u}s`] as const);
const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const text = (n: number | undefined, otherwise: number) => String(n ?? otherwise);

export default function MonitorForm({ monitor, onClose }: { monitor?: Monitor; onClose: () => void }) {
  const was = monitor?.config;
  const [slug, setSlug] = useState("");
  const [name, setName] = useState(monitor?.name ?? "");
  const [type, setType] = useState<string>(was?.schedule?.type ?? "crontab");
  const [crontab, setCrontab] = useState(was?.schedule?.type === "crontab" ? String(was.schedule.value) : "");
  const [every, setEvery] = useState(was?.schedule?.type === "interval" ? String(was.schedule.value) : "1");
  const [unit, setUnit] = useState<string>(was?.schedule?.unit ?? "hour");
  const [zone, setZone] = useState(was?.timezone ?? zoneHere());
  const [margin, setMargin] = useState(text(was?.checkin_margin, 5));
  const [runtime, setRuntime] = useState(text(was?.max_runtime, 30));
  const [failures, setFailures] = useState(text(was?.failure_issue_threshold, 1));
  const [recovery, setRecovery] = useState(text(was?.recovery_threshold, 1));
  const [environment, setEnvironment] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const project = useProjectChoice();
  const config = (): MonitorConfig => ({
    schedule: type === "crontab" ? { type: "crontab", value: crontab.trim() } : { type: "interval", value: Number(every), unit: unit as "hour" },
    timezone: zone.trim(), checkin_margin: Number(margin), max_runtime: Number(runtime),
    failure_issue_threshold: Number(failures), recovery_threshold: Number(recovery),
  });
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      if (monitor) {
        await put(`monitors/${monitor.id}`, { name, config: config() });
        toast("Changed. A check-in that brings its own schedule changes it again.");
        onClose();
      } else {
        const body = { ...project.body, slug, ...(name ? { name } : {}), config: config(), ...(environment ? { environments: [environment] } : {}) };
        const made = await post<{ monitor: Monitor }>("monitors", body);
        toast(`${made.monitor.name} is watched.`);
        setUrl({ new: null, monitor: String(made.monitor.id) });
      }
      await queryClient.invalidateQueries({ queryKey: ["monitors"] });
    } catch (problem) {
      setError((problem as Error).message);
    }
    setBusy(false);
  };
  const number = (label: string, value: string, set: (v: string) => void, hint: string) => <Field label={label} type="number" value={value} required hint={hint} onInput={(e) => set(e.currentTarget.value)} />;
  return (
    <Dialog title={monitor ? `Change ${monitor.name}` : "Watch a job"} open wide onClose={onClose}>
      <form class="cron-form" onSubmit={(e) => void save(e)}>
        {!monitor && <Field label="Slug" value={slug} required maxLength={50} pattern="[A-Za-z0-9._\-]+" placeholder="nightly-report" hint="What the job names itself in its check-ins." autofocus onInput={(e) => setSlug(e.currentTarget.value)} />}
        <Field label="Name" value={name} maxLength={128} placeholder={slug || "Nightly report"} onInput={(e) => setName(e.currentTarget.value)} />
        <Select label="It runs" value={type} options={[["crontab", "by a crontab"], ["interval", "at intervals"]]} onChange={setType} />
        {type === "crontab" ? (
          <Field label="Crontab" value={crontab} required placeholder="0 3 * * mon-fri" hint="Minute, hour, day, month, day of week." onInput={(e) => setCrontab(e.currentTarget.value)} />
        ) : (
          <div class="cron-every">
            <Field label="Every" type="number" value={every} required onInput={(e) => setEvery(e.currentTarget.value)} />
            <Select label="Unit" value={unit} options={UNITS} onChange={setUnit} />
          </div>
        )}
        <Field label="Time zone" value={zone} required placeholder="Europe/Berlin" onInput={(e) => setZone(e.currentTarget.value)} />
        {number("May be late by", margin, setMargin, "Minutes; then it is missed.")}
        {number("May take", runtime, setRuntime, "Minutes; then it takes too long.")}
        {number("Fails after", failures, setFailures, "Failures in a row.")}
        {number("Is well again after", recovery, setRecovery, "Successes in a row.")}
        {!monitor && <Field label="Environment" value={environment} placeholder="production" hint="Expected there at once; else from its first check-in." onInput={(e) => setEnvironment(e.currentTarget.value)} />}
        {!monitor && <ProjectChoice choice={project} />}
        {error && (
          <p class="tone-bad cron-wide breakable" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions cron-wide">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy}>
            {monitor ? "Save" : "Watch it"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
