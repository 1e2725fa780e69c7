// Every bound of the program has a name and stands here, grouped by who enforces it. Those that an operator
// may change are settings (config/) whose defaults come from here; the others are fixed because a format or a
// proof depends on them. Sizes in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace telltale::limits {

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;
inline constexpr std::size_t GiB = 1024 * MiB;

// HTTP server (net/)
inline constexpr std::size_t kMaxHeaderBytes = 64 * KiB;
inline constexpr std::size_t kMaxHeaderCount = 256;
inline constexpr std::size_t kMaxBodyBytes = 64 * MiB;          // as sent
inline constexpr std::size_t kMaxDecodedBodyBytes = 200 * MiB;  // after Content-Encoding
inline constexpr std::size_t kMaxBufferedBodyBytes = 1 * GiB;   // bodies of all connections together
inline constexpr std::size_t kMaxConnections = 4096;
inline constexpr std::size_t kMaxQueuedRequests = 1024;             // complete, waiting for a handler thread
inline constexpr std::size_t kMaxQueryParams = 10'000;              // of a URL or a form
inline constexpr std::size_t kMaxWebSocketMessageBytes = 64 * KiB;  // received
inline constexpr std::size_t kMaxWebSocketQueueBytes = 1 * MiB;     // to be sent, per session
inline constexpr std::size_t kStreamPieceBytes = 128 * KiB;  // of an answer that is made while it is sent
inline constexpr int kHeaderTimeoutSeconds = 10;
inline constexpr int kBodyTimeoutSeconds = 60;
inline constexpr int kIdleTimeoutSeconds = 120;

// Journal (io/)
inline constexpr std::size_t kMaxJournalRecordBytes = 64 * MiB;
inline constexpr std::size_t kJournalSegmentBytes = 64 * MiB;
/// A journal larger than this makes the store that needs its oldest part durable at once: replay after a
/// crash stays a matter of seconds.
inline constexpr std::uint64_t kJournalReplayBytes = 1024 * MiB;
inline constexpr std::size_t kJournalQueueBytes = 128 * MiB;  // accepted, not yet durable
inline constexpr std::size_t kApplyQueueBytes = 64 * MiB;    // of memory: durable, not yet applied, per store
inline constexpr std::size_t kApplyBatchBytes = 16 * KiB;    // of it for each batch, beside its rows
inline constexpr std::size_t kApplyTogether = 64;            // batches that one commit of a store may take
inline constexpr std::size_t kApplyTogetherBytes = 2 * MiB;  // of them, but for the last
inline constexpr std::size_t kApplyWaiters =
    8;                                    // requests that wait for room there; more are told to come back
inline constexpr int kApplyWaitMs = 500;  // as long as that

// Disk budget (io/): the shares are of storage.max_bytes; what is left is for the journal and the records
inline constexpr std::size_t kDiskBallastBytes = 16 * MiB;
inline constexpr int kDefaultBudgetPercentOfDisk = 80;  // when storage.max_bytes is 0
inline constexpr int kLogsBudgetPercent = 40;
inline constexpr int kMetricsBudgetPercent = 25;
inline constexpr int kSpansBudgetPercent = 20;
inline constexpr int kErrorsBudgetPercent = 10;

// Sentry (ingest/): Relay's published defaults, see docs/limits.md
inline constexpr std::size_t kMaxEnvelopeBytes = 200 * MiB;
inline constexpr std::size_t kMaxErrorEventBytes = 1 * MiB;
inline constexpr std::size_t kMaxTransactionBytes = 1 * MiB;
inline constexpr std::size_t kMaxEnvelopeItems = 1000;
inline constexpr std::size_t kMaxSpansPerTransaction = 1000;

// Logs and events
inline constexpr std::size_t kMaxLogLineBytes = 256 * KiB;
inline constexpr std::size_t kMaxAttributes = 256;  // per event
inline constexpr std::size_t kMaxAttributeNameBytes = 256;
inline constexpr std::size_t kMaxAttributeValueBytes = 64 * KiB;
inline constexpr std::size_t kMaxRowsPerRequest = 100'000;
inline constexpr std::size_t kMaxDocumentFields = 1'000;    // read out of one JSON document
inline constexpr std::size_t kMaxDocumentMetaFields = 100;  // named in one `_stream_fields` and its like
inline constexpr std::size_t kMaxAnsweredErrors = 100;      // refused lines that an answer lists
inline constexpr std::size_t kMaxPreviewRows = 20;  // of a request that only asks how it would be read

// Elasticsearch (wire/elastic)
inline constexpr std::size_t kMaxBulkIndices = 1'000;    // distinct ones of one request
inline constexpr std::size_t kMaxIndexNameBytes = 255;   // Elasticsearch's own
inline constexpr std::size_t kMaxDocumentIdBytes = 512;  // Elasticsearch's own

// CloudWatch Logs (wire/cloudwatch, ingest/)
inline constexpr std::size_t kMaxCloudWatchEvents = 10'000;  // of one request, CloudWatch's own
inline constexpr std::size_t kMaxCloudWatchTags = 50;        // of a group, CloudWatch's own
inline constexpr std::size_t kMaxLogGroups = 10'000;         // of a project
inline constexpr std::size_t kMaxLogStreams = 10'000;        // of a project; the oldest is forgotten
inline constexpr std::size_t kMaxDescribed = 50;             // groups or streams a page, CloudWatch's own
inline constexpr int kSignatureSkewSeconds = 900;            // between a signed request's time and ours

// Event store (storage/, eventdb/)
inline constexpr std::size_t kMaxFilterDepth = 64;
inline constexpr std::size_t kMaxFilterNodes = 10'000;
inline constexpr std::size_t kMaxGroupFields = 16;  // of one aggregation
inline constexpr std::size_t kMaxMeasures = 64;
inline constexpr std::size_t kEventCursorRows = 1024;      // rows a next() hands out at most
inline constexpr std::size_t kEventBlockRows = 65'536;     // rows of one block of a part
inline constexpr std::size_t kEventBlockBytes = 32 * MiB;  // a block is cut at this much text
inline constexpr std::size_t kEventBlockColumns = 512;     // attribute columns of a block; more stand in one
inline constexpr std::size_t kEventPageRows = 4'096;       // of long texts, compressed together
inline constexpr std::size_t kEventPageBytes = 512 * KiB;  // a page is cut at this much text
inline constexpr std::size_t kTemplateTextBytes =
    1'024;                                          // longer texts are of no template (text_template.hpp)
inline constexpr std::size_t kTemplateTokens = 96;  // nor are those of more tokens
// Signatures (eventdb/signature.hpp).
inline constexpr std::size_t kSignatureLeastShare =
    8;                                                // a block of less than this part of a full one has none
inline constexpr std::size_t kSignatureRows = 4'096;  // of 32 bytes, of a block at most
inline constexpr std::size_t kSignatureBitsPerGram = 12;  // at least, below that many rows
inline constexpr std::size_t kSignatureGroupBlocks = 64;  // stored side by side
inline constexpr std::size_t kSignaturePageBytes = 16 * KiB;
inline constexpr std::size_t kSignatureNeedles = 16;      // texts of a set that are asked at most
inline constexpr std::size_t kSignatureWorthBlocks = 2;   // with so few blocks left signatures are not asked
inline constexpr std::size_t kSignatureNeedleGrams = 16;  // of a text that is looked for, asked at most
inline constexpr std::size_t kEventChunkRows = 8'192;     // rows of the head that become columns together
inline constexpr std::size_t kEventChunkBytes = 16 * MiB;
inline constexpr std::size_t kEventColumnBytes = 1 * GiB;  // of one decoded column; more is a damaged length
inline constexpr std::size_t kEventPartRows = 10'000'000;  // merges stop growing a part here
inline constexpr std::size_t kEventHeadRows = 512 * 1024;
inline constexpr std::size_t kEventHeadBytes = 64 * MiB;

// Views over rows (search/, traces/, errors/, api/own)
inline constexpr std::size_t kMaxHistogramBuckets = 500;
inline constexpr std::uint64_t kMaxPatienceMs = 10'000;    // patience_ms= of a search for rows
inline constexpr std::size_t kMaxHistogramGroups = 1'000;  // distinct values of `by`
inline constexpr std::size_t kMaxHistogramSeries = 20;     // the rest is added up in one more
inline constexpr std::size_t kMaxFacetFields = 30;
inline constexpr std::size_t kMaxFacetAnswers = 1'000;   // values a field
inline constexpr std::size_t kMaxFacetRows = 50'000;     // the newest; more make the answer a sample
inline constexpr std::size_t kFacetProbeRows = 1'000;    // that choose the fields when none are named
inline constexpr std::size_t kMaxFacetValues = 10'000;   // distinct ones told apart, a field
inline constexpr std::size_t kMaxFacetValueBytes = 256;  // longer ones count as rows only
inline constexpr std::size_t kMaxFieldNames = 1'000;
inline constexpr std::size_t kMaxSpansPerTrace = 10'000;       // shown
inline constexpr std::size_t kMaxTraces = 500;                 // of one list
inline constexpr std::size_t kMaxTraceErrors = 10'000;         // looked at for their issues
inline constexpr std::size_t kTraceBatch = 100;                // summarised at once
inline constexpr std::size_t kMaxTraceScanSpans = 500'000;     // that one list looks at to find traces
inline constexpr std::size_t kMaxTraceSweepSpans = 2'000'000;  // read for the summaries of one list
inline constexpr int kTraceSlackSeconds = 3'600;  // a trace may reach so far over the range's ends
inline constexpr std::size_t kOverviewSteps = 60;
inline constexpr std::size_t kMaxOverviewServices = 200;
inline constexpr std::size_t kMaxOverviewErrors = 100'000;  // error rows led to their issues
inline constexpr std::size_t kMaxServiceReleases = 10;      // the newest of a service
inline constexpr std::size_t kMaxChanges = 200;
inline constexpr std::size_t kMaxAroundRows = 100;       // a kind
inline constexpr std::size_t kMaxAroundSpans = 200'000;  // looked at for the slowest
inline constexpr std::size_t kMaxAroundMinutes = 60;
inline constexpr std::size_t kMaxBulkIssues = 1'000;
inline constexpr std::size_t kMaxIssueEventRows = 50'000;  // looked at for one issue's events and tags
inline constexpr std::size_t kMaxSearchBytes = 4 * KiB;    // of a query in the search language
inline constexpr std::size_t kMaxSearchTerms = 100;        // conditions of one
inline constexpr std::size_t kMaxSearchDepth = 20;         // of its parentheses
inline constexpr std::size_t kMaxSearchStars = 8;          // of one value
inline constexpr std::size_t kMaxSearchBranches = 32;      // ways in which an issue and its event may match
inline constexpr std::size_t kMaxSearchGroups = 100'000;   // groups of events that one search leads to issues
inline constexpr std::size_t kMaxSearchBodies = 200'000;   // bodies of events that one search reads
inline constexpr std::size_t kMaxSearchCandidates = 1'000;  // issues that are looked for one by one
inline constexpr std::size_t kMaxSkippedGroups = 2'000;     // left out in the store while a walk goes on
inline constexpr std::size_t kMaxQuickAnswers = 10;         // of a kind, in the search over everything

// Redaction (redact/), of one project
inline constexpr std::size_t kMaxRedactionEntries = 1'000;  // of a list of keys or values
inline constexpr std::size_t kMaxRedactionPatterns = 100;
inline constexpr std::size_t kMaxRedactionRegexBytes = 1'000;
inline constexpr std::int64_t kMaxRedactionRegexMemory = 1 * MiB;

// Live tails (ingest/)
inline constexpr std::size_t kMaxTailSubscribers = 64;
inline constexpr std::size_t kTailQueueRows = 200'000;     // durable, not yet looked at by the tails
inline constexpr std::size_t kTailFrameRows = 500;         // handed to a tail at once
inline constexpr std::size_t kTailFrameBytes = 256 * KiB;  // the same, of text
inline constexpr std::size_t kMaxTailHistory = 5'000;      // lines of before that a tail begins with

// Patterns of log lines (logs/)
inline constexpr std::size_t kPatternLineBytes = 3'000;     // looked at of a line; the rest is one variable
inline constexpr std::size_t kPatternWords = 256;           // of a line; the rest is one variable
inline constexpr std::size_t kPatternExampleBytes = 1'024;  // kept of a pattern's first line
inline constexpr std::size_t kMaxPatternClusters = 300;     // a service; the rarest make room
inline constexpr std::size_t kPatternServices = 50;         // told apart; the rest is one
inline constexpr std::size_t kMaxPatternRows = 100'000;     // lines looked at for one answer
inline constexpr std::size_t kPatternPieces = 40;           // pieces of the range that are looked at each
inline constexpr std::size_t kMaxPatternBuckets = 1'000;
inline constexpr std::size_t kMaxPatternAnswers = 500;

// LogQL (query/, logql/)
inline constexpr std::size_t kMaxQueryBytes = 128 * KiB;
inline constexpr std::size_t kMaxQueryDepth = 200;  // nesting of one expression
inline constexpr std::size_t kMaxPipelineStages = 200;
inline constexpr std::size_t kMaxTemplateBytes = 1 * MiB;  // of text that one template makes of one row
inline constexpr std::size_t kMaxTemplateDepth = 200;
inline constexpr std::size_t kMaxTemplateLoops = 10'000;      // passes of one range
inline constexpr std::size_t kMaxQuerySeries = 10'000;        // of one range aggregation or its answer
inline constexpr std::size_t kMaxScanThreads = 4;             // that read for one query
inline constexpr std::size_t kMaxAggregateBuckets = 100'000;  // that a store is asked for at once
inline constexpr std::size_t kMaxLogEntries = 100'000;        // of one answer

// Views over log lines (logs/, api/)
inline constexpr std::size_t kMaxLabelAnswers = 10'000;   // label values, label sets, volumes
inline constexpr std::size_t kVolumeSampleRows = 2'000;   // the newest, for the mean length of lines
inline constexpr std::size_t kMaxDetectedFields = 1'000;  // of one answer, and values of one field
inline constexpr std::size_t kMaxDetectedLines = 5'000;   // read for them
inline constexpr std::size_t kMaxContextLines = 1'000;    // on either side of a line
inline constexpr std::size_t kMaxContextHours = 24 * 31;  // looked through on either side
inline constexpr std::size_t kMaxContextTies = 10'000;    // lines of one time that are told apart
inline constexpr std::size_t kMaxExports = 8;             // at once
inline constexpr std::size_t kMaxExportRows = 10'000'000;
inline constexpr std::size_t kMaxExportColumns = 100;
inline constexpr int kExportSeconds = 3'600;

// Metrics
inline constexpr std::size_t kMaxLabelsPerSeries = 64;
inline constexpr std::size_t kMaxLabelNameBytes = 1024;
inline constexpr std::size_t kMaxLabelValueBytes = 4096;
inline constexpr std::size_t kMaxSeriesPerProject = 5'000'000;
inline constexpr std::size_t kMaxScrapeBodyBytes = 64 * MiB;
inline constexpr std::size_t kMaxQueryPoints = 11'000;  // per series, as Prometheus

// Metrics out of log lines (logmetrics/)
inline constexpr std::size_t kMaxLogMetrics = 100;  // of a project
inline constexpr std::size_t kMaxLogMetricNameBytes = 200;
inline constexpr std::size_t kMaxLogMetricLabels = 8;        // that one groups by
inline constexpr std::size_t kMaxLogMetricValueBytes = 256;  // of such a label; the rest is cut off
inline constexpr std::size_t kMaxLogMetricBuckets = 50;
inline constexpr std::size_t kMaxLogMetricSeries = 5'000;  // of one metric
inline constexpr std::size_t kMaxLogMetricDistinct = 50;   // sets of labels of one distinct count
inline constexpr std::size_t kMaxDistinctGroups = 500;     // of all distinct counts; each is up to 400 KiB
inline constexpr std::size_t kLogMetricSlices = 24;        // that a distinct count's window moves by
inline constexpr std::size_t kLogMetricBatchSamples = 10'000;  // written at once
inline constexpr int kLogMetricIntervalSeconds = 15;           // between two samples of a series

// Rules (alerting/)
inline constexpr std::size_t kMaxKeptRules = 500;  // made through the API, of a project
inline constexpr std::size_t kMaxRuleNameBytes = 120;
inline constexpr std::size_t kMaxRulePairs = 50;  // labels or annotations of a rule made through the API
inline constexpr std::size_t kMaxRuleTextBytes = 8 * KiB;
inline constexpr std::size_t kMaxRuleReceivers = 50;

// Records, issues and accounts (metadb/, errors/, accounts/)
inline constexpr std::size_t kMaxUsersPerIssue = 10'000;   // counted exactly; more within 1 %
inline constexpr std::size_t kMaxCachedUserSketches = 64;  // 128 KiB each
inline constexpr std::size_t kMaxMergedIssues = 100;       // parts of one issue
inline constexpr std::size_t kMaxUnmergeHashes = 200;      // taken out of an issue at once
inline constexpr std::size_t kMaxEnvironments = 200;       // named in a list of them
inline constexpr std::size_t kMaxIssueTicks = 2'000;       // issues that one look at the clock changes
inline constexpr std::size_t kMaxBusyIssues = 20'000;      // of one hour, looked at for escalation
inline constexpr std::size_t kMaxCommentBytes = 16 * KiB;
inline constexpr std::size_t kMaxActivity = 200;              // of one answer
inline constexpr std::size_t kMaxShownHashes = 100;           // of one issue, with their newest events
inline constexpr std::size_t kMaxOwnershipBytes = 256 * KiB;  // of a project's rules and CODEOWNERS together
inline constexpr std::size_t kMaxOwnershipRules = 5'000;
inline constexpr std::uint64_t kMaxArchiveCount = 1'000'000'000;
inline constexpr std::uint32_t kMaxArchiveHours = 24 * 7;
inline constexpr std::size_t kMaxReleasesPerIssue = 1'000;  // remembered per issue
inline constexpr std::size_t kMaxGroupHashes = 8;           // per event
inline constexpr std::size_t kMaxSettingBytes = 4 * MiB;
inline constexpr std::size_t kMaxCachedStatements = 128;
inline constexpr std::size_t kMaxCachedCredentials = 4'096;
inline constexpr std::size_t kMaxThrottledAddresses = 4'096;
inline constexpr int kMaxFailedLogins = 20;  // per address and kFailedLoginWindowSeconds
inline constexpr int kFailedLoginWindowSeconds = 60;
inline constexpr int kMaxFailedLoginsPerAccount = 10;  // and window, from wherever they come
inline constexpr std::size_t kMinPasswordCharacters = 12;
inline constexpr std::size_t kMaxPasswordBytes = 1024;
inline constexpr std::size_t kMaxPasswordHashes = 2;          // at once; each takes 19 MiB and a CPU
inline constexpr std::size_t kMaxWaitingPasswordHashes = 32;  // more are refused
inline constexpr std::size_t kMaxEmailBytes = 254;
inline constexpr std::size_t kMaxPersonNameBytes = 200;
inline constexpr std::size_t kMaxLoggedAgentBytes = 256;
inline constexpr std::size_t kMaxSessionsPerUser = 50;  // the oldest makes room
inline constexpr std::size_t kMaxUiPanels = 200;        // of one measurement
inline constexpr std::size_t kMaxUiBodyBytes = 64 * KiB;
inline constexpr std::uint64_t kMaxUiLongTasks = 10'000;

}  // namespace telltale::limits
