// For administrators: deleting the samples of the selected series, in the range that is shown or of all time.
import { useState } from "preact/hooks";
import { Button, Dialog, Segmented, toast } from "../../kit";
import { request } from "../../lib/api";
import { plural } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { queryClient, useRange } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";

export function DeleteSeries({ select, series }: { select: string; series: number }) {
  const { start, end } = useRange();
  const { zone } = useStore(prefs);
  const [open, setOpen] = useState(false);
  const [extent, setExtent] = useState("range");
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    const range = extent === "range" ? { start: start / 1000, end: end / 1000 } : {};
    try {
      await request("/api/v1/admin/tsdb/delete_series", { method: "POST", query: { "match[]": select, ...range } });
      toast("The samples are deleted.");
      setOpen(false);
      await queryClient.invalidateQueries({ queryKey: ["cardinality"] });
    } catch (e) {
      toast((e as Error).message, { bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div>
      <Button kind="danger" onClick={() => setOpen(true)}>
        Delete these series…
      </Button>
      <Dialog title={`Delete ${plural(series, "series", "series")}?`} open={open} onClose={() => setOpen(false)}>
        <div class="stack">
          <p class="mono breakable">{select}</p>
          <Segmented label="Which samples" value={extent} options={[["range", "Those of this range"], ["all", "All there are"]]} onChange={setExtent} />
          <p>
            {extent === "range" ? `Samples from ${formatDateTime(start, zone)} to ${formatDateTime(end, zone)} go.` : "Every sample of series that match goes, of any time; of more series, maybe, than have samples in this range."} They are gone from the disk, in every
            project you may read. This cannot be taken back. What is still scraped or pushed comes again.
          </p>
        </div>
        <div class="dialog-actions">
          <Button onClick={() => setOpen(false)}>Keep them</Button>
          <Button kind="danger" disabled={busy} onClick={() => void run()}>
            Delete
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
