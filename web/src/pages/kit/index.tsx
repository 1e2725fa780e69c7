// Every component of the kit with its states, for whoever builds a page and for those who check how it looks.
import "./kit.css";
import { useState } from "preact/hooks";
import {
  Badge, Button, CodeBlock, CopyButton, type Column, Dialog, Drawer, EmptyState, ErrorNotice, FacetList, Field, FilterBar, Icon, ICON_NAMES, IconButton, IssueBadge,
  Kbd, Later, LevelMark, Menu, Segmented, Select, ShareBar, Skeleton, SparkBars, Sparkline, Table, Tabs, TimeRange, toast, Value,
} from "../../kit";
import { ApiError } from "../../lib/api";
import { Charts } from "./Charts";
import { useListKeys } from "../../lib/cursor";
import { duration } from "../../lib/format";

const WAVE = Array.from({ length: 48 }, (_, i) => 40 + 26 * Math.sin(i / 5) + ((i * 37) % 17));
const HOLES = WAVE.map((v, i) => (i > 16 && i < 24 ? null : v));
const TONES = ["neutral", "accent", "bad", "warn", "good", "info"] as const;
const LEVELS = ["fatal", "error", "warning", "info", "debug"];
const TOKENS = ["paper", "surface", "sunken", "hover", "selected", "line", "line-strong", "text", "text-2", "text-3", "accent", "accent-soft", "bad", "warn", "good", "info"];
const DATA = Array.from({ length: 8 }, (_, i) => `data-${i + 1}`);

export default function Kit() {
  return (
    <div class="page kit">
      <h1>Kit</h1>
      <Part name="Colour">
        <Swatches names={TOKENS} />
        <Swatches names={DATA} />
      </Part>
      <Part name="Type">
        <p class="kit-xxl num">26 Key figure 1,204</p>
        <h1>19 Title of a page</h1>
        <h2>15 Title of a section</h2>
        <p class="prose">13 Text, with <span class="muted">second</span> and <span class="faint">third</span> voice, <a href="#type">a link</a> and <code>code()</code></p>
      </Part>
      <Part name="Icons">
        <div class="row row-wrap">
          {ICON_NAMES.map((name) => (
            <span key={name} title={name}>
              <Icon name={name} size={18} />
            </span>
          ))}
        </div>
      </Part>
      <Later>{() => <Components />}</Later>
    </div>
  );
}

function Components() {
  return (
    <>
      <Controls />
      <Marks />
      <Fields />
      <Part name="Filter bar and facets">
        <FilterBar />
        <FacetList
          facets={[
            { field: "level", rows: 100, distinct: 3, values: [{ value: "error", count: 62 }, { value: "warning", count: 30 }, { value: "info", count: 8 }] },
            { field: "service", rows: 100, distinct: 2, values: [{ value: "shop", count: 80 }, { value: "a-service-with-a-very-long-name-indeed", count: 20 }] },
          ]}
        />
        <p>
          Click a value: <Value field="service" value="shop" />, <Value field="user_id" value={7} />
        </p>
      </Part>
      <Part name="Charts">
        <Charts />
      </Part>
      <Part name="Small pictures">
        <div class="kit-sparks">
          <div><Sparkline values={WAVE} label="Requests" /></div>
          <div><Sparkline values={HOLES} label="Errors, with a gap" tone="bad" /></div>
          <div><Sparkline values={[]} label="Nothing" /></div>
          <div><SparkBars values={WAVE.slice(0, 24)} label="Events an hour" tone="bad" /></div>
          <div><Sparkline values={WAVE} label="Latency" tone="warn" format={duration} /></div>
        </div>
        <ShareBar label="Logs" parts={LEVELS.map((name, i) => ({ name, value: (i + 1) * (i + 1), className: `fill-${name}` }))} />
      </Part>
      <Part name="Table of 200,000 rows">
        <BigTable />
      </Part>
      <Part name="Code">
        <CodeBlock label="example" text={'pip install "sentry-sdk[flask]"\n<script>alert("text only")</script>'} />
      </Part>
      <Part name="Instead of data">
        <Skeleton lines={4} />
        <EmptyState icon="search" title="No log lines in this time range." action={<Button>Show 24 hours</Button>}>
          The newest line came two days ago.
        </EmptyState>
        <ErrorNotice error={new ApiError(400, "invalid_argument", "where: level~( is no regular expression")} retry={() => toast("Tried again.")} />
      </Part>
      <Overlays />
    </>
  );
}

function Part({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <section class="kit-part" aria-label={name}>
      <h2>{name}</h2>
      <div class="stack">{children}</div>
    </section>
  );
}

function Swatches({ names }: { names: readonly string[] }) {
  return (
    <ul class="swatches">
      {names.map((name) => (
        <li key={name}>
          <i style={{ background: `var(--${name})` }} />
          <span class="faint">{name}</span>
        </li>
      ))}
    </ul>
  );
}

function Controls() {
  const [tab, setTab] = useState("one");
  const [choice, setChoice] = useState("a");
  return (
    <Part name="Buttons, tabs, menus, time">
      <div class="row row-wrap">
        <Button kind="primary" icon="check">Resolve</Button>
        <Button icon="mute">Archive</Button>
        <Button kind="quiet">Quiet</Button>
        <Button kind="danger">Revoke</Button>
        <Button disabled>Disabled</Button>
        <Button small icon="plus">Small</Button>
        <Button on>Pressed</Button>
        <IconButton icon="refresh" label="Refresh" />
        <CopyButton text="copied text" />
        <Kbd caps={["g", "i"]} />
        <Menu label="Menu" kind="plain" button="Menu" items={[{ label: "First", checked: true, run: () => {} }, { label: "Second", checked: false, run: () => {} }, { label: "Remove", danger: true, run: () => {} }]} />
        <TimeRange />
      </div>
      <Tabs label="Tabs" tabs={[{ id: "one", label: "Unresolved", count: "12" }, { id: "two", label: "Resolved" }, { id: "three", label: "Archived" }]} current={tab} onChange={setTab} />
      <Segmented label="Choice" value={choice} options={[["a", "System"], ["b", "Light"], ["c", "Dark"]]} onChange={setChoice} />
    </Part>
  );
}

function Marks() {
  return (
    <Part name="Badges and levels">
      <div class="row row-wrap">
        {TONES.map((tone) => (
          <Badge key={tone} tone={tone}>{tone}</Badge>
        ))}
        {["new", "regressed", "ongoing", "escalating"].map((s) => (
          <IssueBadge key={s} status="unresolved" substatus={s} />
        ))}
        <IssueBadge status="resolved" substatus="" />
      </div>
      <div class="row row-wrap">
        {LEVELS.map((level) => (
          <LevelMark key={level} level={level} />
        ))}
      </div>
    </Part>
  );
}

function Fields() {
  const [text, setText] = useState("");
  const [choice, setChoice] = useState("viewer");
  return (
    <Part name="Fields">
      <div class="kit-fields">
        <Field label="Name" value={text} placeholder="shop" hint="Lower case letters." onInput={(e) => setText(e.currentTarget.value)} />
        <Field label="Password" type="password" autocomplete="off" value={text} error="3 more characters are needed." onInput={(e) => setText(e.currentTarget.value)} />
        <Select label="Role" value={choice} options={[["viewer", "viewer: reads"], ["admin", "admin: everything"]]} onChange={setChoice} />
      </div>
    </Part>
  );
}

interface Line {
  id: number;
  text: string;
}
const LINES: Line[] = Array.from({ length: 200_000 }, (_, id) => ({ id, text: `line ${id}: ${"lorem ipsum dolor ".repeat(1 + (id % 3))}` }));
const COLUMNS: Column<Line>[] = [
  { key: "id", header: "Number", width: "90px", align: "end", cell: (l) => l.id },
  { key: "level", header: "Level", width: "90px", wide: true, cell: (l) => <LevelMark level={LEVELS[l.id % 5]!} /> },
  { key: "text", header: "Message", width: "minmax(0, 1fr)", cell: (l) => <span class="mono">{l.text}</span> },
];
function BigTable() {
  const keys = useListKeys(LINES, (l) => l.id, (l) => toast(`Opened ${l.id}.`), true);
  return (
    <div class="kit-table">
      <Table fill label="Lines" rows={LINES} columns={COLUMNS} rowKey={(l) => l.id} cursor={keys.cursor} selected={(l) => keys.selected.has(l.id)} onOpen={(l) => toast(`Opened ${l.id}.`)} />
    </div>
  );
}

function Overlays() {
  const [dialog, setDialog] = useState(false);
  const [drawer, setDrawer] = useState(false);
  return (
    <Part name="Over the page">
      <div class="row row-wrap">
        <Button onClick={() => setDialog(true)}>Dialog</Button>
        <Button onClick={() => setDrawer(true)}>Drawer</Button>
        <Button onClick={() => toast("Resolved SHOP-1.", { undo: () => toast("Taken back.") })}>Toast with undo</Button>
        <Button onClick={() => toast("Not changed: the server does not answer.", { bad: true })}>Bad news</Button>
      </div>
      <Dialog title="Revoke the token?" open={dialog} onClose={() => setDialog(false)}>
        <p>What uses it is turned away from now on.</p>
        <div class="dialog-actions">
          <Button onClick={() => setDialog(false)}>Keep it</Button>
          <Button kind="danger" onClick={() => setDialog(false)}>Revoke</Button>
        </div>
      </Dialog>
      {drawer && (
        <div class="kit-drawer">
          <Drawer title="A drawer" label="A drawer" onClose={() => setDrawer(false)}>
            <p>It stands beside the page, which stays in use.</p>
          </Drawer>
        </div>
      )}
    </Part>
  );
}
