// LogQL in the query field: its grammar for colours and brackets, and completion of labels, values, stages and functions
// over our API.
import { autocompletion, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { LanguageSupport, LRLanguage } from "@codemirror/language";
import { parser } from "@grafana/lezer-logql";
import { styleTags, tags } from "@lezer/highlight";
import { mountCore, type MountEditor } from "../../kit/editor/core";
import { get } from "../../lib/api";
import { FUNCTIONS, placeIn, STAGES } from "../../lib/logql";

const language = LRLanguage.define({
  parser: parser.configure({
    props: [
      styleTags({
        String: tags.string,
        "Number Duration Bytes": tags.number,
        LineComment: tags.comment,
        "Identifier LabelName": tags.labelName,
        "VectorOp/... RangeOp/... ConvOp/... LabelReplace Vector": tags.function(tags.variableName),
        "By Without On Ignoring GroupLeft GroupRight Bool And Or Unless Offset": tags.keyword,
        "Json Logfmt Pattern Regexp Unpack LineFormat LabelFormat Decolorize Drop Keep Unwrap": tags.modifier,
        "PipeExact PipeMatch PipePattern Npa Nre Neq Eq Re Pipe Gtr Gte Lss Lte Eql": tags.operatorKeyword,
        "⚠": tags.invalid,
      }),
    ],
  }),
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"', "`"] } },
});

const LONG_MS = 60_000;
const asked = new Map<string, { at: number; answer: Promise<string[]> }>();
/** Names and values change slowly; a completion asks for them again after a minute. */
function names(path: string): Promise<string[]> {
  const known = asked.get(path);
  if (known && Date.now() - known.at < LONG_MS) return known.answer;
  const answer = get<{ data?: string[] }>(path).then((a) => a.data ?? [], () => []);
  asked.set(path, { at: Date.now(), answer });
  return answer;
}
const labels = () => names("/loki/api/v1/labels");
const values = (label: string) => names(`/loki/api/v1/label/${encodeURIComponent(label)}/values`);
async function fields(): Promise<string[]> {
  const own = get<{ fields: { name: string }[] }>("fields", { table: "logs" }).then((a) => a.fields.map((f) => f.name.replace(/[^A-Za-z0-9_]/g, "_")), () => []);
  return [...new Set([...(await labels()), ...(await own)])];
}

const MOST = 200;
const options = (list: readonly string[], type: string, apply?: (name: string) => string): Completion[] => list.slice(0, MOST).map((label) => ({ label, type, ...(apply ? { apply: apply(label) } : {}) }));

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const text = context.state.sliceDoc(0, context.pos);
  const place = placeIn(text);
  const found = async (): Promise<Completion[]> => {
    switch (place.kind) {
      case "label":
        return options(await labels(), "variable", (name) => `${name}=`);
      case "value":
        return options(await values(place.label!), "constant", (value) => JSON.stringify(value).slice(1, -1));
      case "grouping":
      case "field":
        return options(await fields(), "variable");
      case "stage":
        return [...STAGES.map(([label, detail, apply]): Completion => ({ label, detail, type: "keyword", boost: 1, ...(apply ? { apply } : {}) })), ...options(await fields(), "variable")];
      case "function":
        return [...FUNCTIONS.map(([label, detail]): Completion => ({ label, detail, type: "function" })), { label: "{", detail: "select streams", type: "text" }];
      case "none":
        return [];
    }
  };
  const list = await found();
  return list.length === 0 ? null : { from: place.from, options: list, validFor: place.kind === "value" ? /^[^"]*$/ : /^[\w.]*$/ };
}

export const mountEditor: MountEditor = (host, text, on) =>
  mountCore(host, text, [new LanguageSupport(language), autocompletion({ override: [complete], icons: false })], { label: "LogQL query", placeholder: '{service_name="shop"} |= "out of stock"' }, on);
