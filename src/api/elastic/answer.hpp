// Answers in Elasticsearch's form.
#pragma once

#include <string>
#include <string_view>

#include "ingest/elastic.hpp"
#include "net/http.hpp"

namespace telltale::api::elastic {

/// Adds what every answer carries: X-Elastic-Product, and the media type that Accept asks for.
net::HttpResponse finished(net::HttpResponse response, const net::HttpRequest& request);
/// `{"error":{"root_cause":[…],"type":…,"reason":…},"status":N}`; the type from the error's kind.
net::HttpResponse error_answer(const Error& error);
net::HttpResponse error_answer(int status, std::string_view type, std::string_view reason);

/// One item for each action. With `filter_path` (Beats, Logstash) items have status and error only, or are
/// left out.
std::string bulk_answer(const ingest::ElasticOutcome& outcome, std::int64_t took_ms,
                        std::string_view filter_path);
/// Of `_doc` and `_create`.
net::HttpResponse document_answer(const ingest::ElasticOutcome& outcome, bool create);

}  // namespace telltale::api::elastic
