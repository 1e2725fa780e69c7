// What to paste into an application so that its data arrives here, with this server's address and the project's own
// key. A token's secret is put in only when it was made just now; otherwise the snippet names a variable.

export interface SnippetInput {
  /** This server as the browser reaches it: "https://telltale.example.com". */
  origin: string;
  dsn: string;
  token: string | null;
}
export interface Snippet {
  id: string;
  title: string;
  /** Which signals arrive by it. */
  brings: readonly ("errors" | "logs" | "spans" | "metrics")[];
  needsToken: boolean;
  steps: { label: string; text: string }[];
  note?: string;
}

export function snippets({ origin, dsn, token }: SnippetInput): Snippet[] {
  const secret = token ?? "$TELLTALE_TOKEN";
  return [
    {
      id: "flask",
      title: "Flask",
      brings: ["errors", "spans", "logs"],
      needsToken: false,
      steps: [
        { label: "Install", text: `pip install "sentry-sdk[flask]"` },
        {
          label: "At the start of the application",
          text: `import sentry_sdk

sentry_sdk.init(
    dsn="${dsn}",
    release="shop@1.0.0",
    environment="production",
    traces_sample_rate=0.2,
    enable_logs=True,
)`,
        },
        { label: "Try it", text: `python -c "import sentry_sdk; sentry_sdk.init('${dsn}'); sentry_sdk.capture_message('hello from python')"` },
      ],
    },
    {
      id: "node",
      title: "Node",
      brings: ["errors", "spans", "logs"],
      needsToken: false,
      steps: [
        { label: "Install", text: "npm install @sentry/node" },
        {
          label: "instrument.js, loaded first: node --import ./instrument.js app.js",
          text: `import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: "${dsn}",
  release: "shop@1.0.0",
  environment: "production",
  tracesSampleRate: 0.2,
  enableLogs: true,
});`,
        },
      ],
    },
    {
      id: "otel",
      title: "OpenTelemetry",
      brings: ["spans", "logs"],
      needsToken: true,
      steps: [
        {
          label: "Environment of any OpenTelemetry SDK",
          text: `export OTEL_SERVICE_NAME=shop
export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${secret}"`,
        },
        {
          label: "Collector",
          text: `exporters:
  otlphttp:
    endpoint: ${origin}
    headers: {Authorization: "Bearer ${token ?? "${env:TELLTALE_TOKEN}"}"}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlphttp]}
    logs: {receivers: [otlp], exporters: [otlphttp]}`,
        },
      ],
    },
    {
      id: "prometheus",
      title: "Prometheus",
      brings: ["metrics"],
      needsToken: false,
      steps: [
        {
          label: "prometheus.yml, as you may have it already",
          text: `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["127.0.0.1:5050"]
        labels: {service: shop}`,
        },
        { label: "Start the server with it", text: "telltale serve --prometheus-config prometheus.yml" },
      ],
      note: "The server scrapes the targets itself.",
    },
    {
      id: "loki",
      title: "Loki",
      brings: ["logs"],
      needsToken: true,
      steps: [
        {
          label: "One line, by hand",
          text: `curl -H "Authorization: Bearer ${secret}" -H 'Content-Type: application/json' \\
  ${origin}/loki/api/v1/push \\
  -d '{"streams":[{"stream":{"service":"shop"},"values":[["'$(date +%s%N)'","hello from curl"]]}]}'`,
        },
        {
          label: "Promtail",
          text: `clients:
  - url: ${origin}/loki/api/v1/push
    bearer_token_file: /etc/promtail/telltale-token`,
        },
        {
          label: "Grafana Alloy",
          text: `loki.write "telltale" {
  endpoint {
    url          = "${origin}/loki/api/v1/push"
    bearer_token = ${token ? JSON.stringify(token) : 'sys.env("TELLTALE_TOKEN")'}
  }
}`,
        },
      ],
    },
  ];
}
