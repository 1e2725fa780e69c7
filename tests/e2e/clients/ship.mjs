// One client of the npm registry sends three records: node ship.mjs CLIENT URL TOKEN REQUEST_ID [ACCESS_KEY].
// Clients are used as their documentation says; only their address and credential are Telltale's.
const [client, url, token, requestId, accessKey] = process.argv.slice(2);
const levels = ["info", "warn", "error"];

async function elasticsearch() {
  const { Client } = await import("@elastic/elasticsearch");
  const es = new Client({ node: url, auth: { apiKey: token } });
  if (!(await es.ping())) throw new Error("no answer to ping");
  const documents = levels.map((level, i) => ({
    "@timestamp": new Date().toISOString(),
    message: `es line ${i}`,
    log: { level },
    service: { name: "es-js" },
    http: { request: { id: requestId } },
  }));
  const done = await es.helpers.bulk({
    datasource: documents,
    onDocument: () => ({ create: { _index: "logs-app-default" } }),
  });
  if (done.successful !== documents.length || done.failed !== 0) throw new Error(JSON.stringify(done));
  const one = await es.index({ index: "logs-app-default", document: { message: "es single", request_id: requestId, service: "es-js", level: "info" } });
  if (one.result !== "created") throw new Error(JSON.stringify(one));
}

async function cloudwatch() {
  const aws = await import("@aws-sdk/client-cloudwatch-logs");
  const logs = new aws.CloudWatchLogsClient({
    endpoint: url, region: "eu-central-1", credentials: { accessKeyId: accessKey, secretAccessKey: token },
  });
  const names = { logGroupName: `/app/js-${requestId}`, logStreamName: "worker-1" };
  await logs.send(new aws.CreateLogGroupCommand({ logGroupName: names.logGroupName, tags: { team: "shop" } }));
  await logs.send(new aws.CreateLogStreamCommand(names));
  const now = Date.now();
  const answer = await logs.send(new aws.PutLogEventsCommand({
    ...names,
    logEvents: levels.map((level, i) => ({
      timestamp: now + i,
      message: JSON.stringify({ level, message: `cw line ${i}`, request_id: requestId, service: "cw-js" }),
    })),
  }));
  if (answer.rejectedLogEventsInfo) throw new Error(JSON.stringify(answer));
  const found = await logs.send(new aws.DescribeLogStreamsCommand({ logGroupName: names.logGroupName }));
  if (found.logStreams[0].logStreamName !== "worker-1") throw new Error(JSON.stringify(found));
}

async function winstonLoki() {
  const winston = (await import("winston")).default;
  const LokiTransport = (await import("winston-loki")).default;
  const transport = new LokiTransport({
    host: url, labels: { app: "winston-js" }, json: true, batching: false, basicAuth: `any:${token}`,
    format: winston.format.json(), onConnectionError: (error) => { throw error; },
  });
  const logger = winston.createLogger({ transports: [transport] });
  levels.forEach((level, i) => logger.log({ level, message: `winston line ${i}`, labels: { request_id: requestId } }));
  await logger.transports[0].flush?.();
  await new Promise((resolve) => setTimeout(resolve, 300));
  logger.end();
}

async function pinoLoki() {
  const pino = (await import("pino")).default;
  const transport = pino.transport({
    target: "pino-loki",
    options: { host: url, basicAuth: { username: "any", password: token }, labels: { application: "pino-js" }, batching: { interval: 1 } },
  });
  const logger = pino(transport);
  levels.forEach((level, i) => logger[level]({ request_id: requestId }, `pino line ${i}`));
  // The transport is a worker that keeps no program alive.
  const alive = setInterval(() => {}, 100);
  await new Promise((resolve) => { transport.on("close", resolve); transport.end(); });
  clearInterval(alive);
}

await { elasticsearch, cloudwatch, "winston-loki": winstonLoki, "pino-loki": pinoLoki }[client]();
