// What Elasticsearch's clients ask before they send anything: who is there, its licence and health, and the
// resources they set up (templates, policies, pipelines), which an event store without mappings does not
// need. Those are acknowledged and not kept: asked for again, they are not there, and the client sets them up
// again.
#pragma once

#include <string>
#include <string_view>

#include "net/http.hpp"

namespace telltale::api::elastic {

/// What the request says of its sender; decides what `GET /` on the root answers and which version we are.
bool is_elastic_client(const net::HttpRequest& request);
/// Of the version in User-Agent where the sender insists on a server at least as new (Beats, Logstash), of
/// the version its media types name, else a late 8.
std::string version_for(const net::HttpRequest& request);

std::string banner(std::string_view version);
std::string license();
std::string xpack();
std::string cluster_health();
/// Text, or JSON when asked for by `format=json` or Accept.
net::HttpResponse cat_health(const net::HttpRequest& request, std::string_view time_text);
/// The one node, at the address the client used.
std::string nodes(const net::HttpRequest& request, std::string_view version);

}  // namespace telltale::api::elastic
