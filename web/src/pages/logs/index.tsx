import { Loaded, LevelMark, Table } from "../../kit";
import { prefs } from "../../lib/prefs";
import { useRows } from "../../lib/rows";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";
import type { Row } from "../../lib/types";

export default function Logs() {
  const rows = useRows("logs");
  const { zone } = useStore(prefs);
  return (
    <div class="page page-fill">
      <h1 class="hear-only">Logs</h1>
      <Loaded result={rows}>
        {(data) => (
          <Table<Row>
            fill
            label="Logs"
            rows={data.rows}
            rowKey={(_, i) => i}
            columns={[
              { key: "time", header: "Time", width: "110px", cell: (r) => <span class="num">{formatTime(Date.parse(r.time), zone, true)}</span> },
              { key: "level", header: "Level", width: "90px", cell: (r) => <LevelMark level={r.level} /> },
              { key: "message", header: "Message", width: "minmax(0, 1fr)", cell: (r) => <span class="clip mono">{r.message}</span> },
            ]}
          />
        )}
      </Loaded>
    </div>
  );
}
