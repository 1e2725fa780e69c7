// A query's tree and its canonical text. The tree's fields are those of Prometheus' /api/v1/parse_query.
#include <algorithm>

#include "api/prometheus/answer.hpp"
#include "promql/features.hpp"
#include "promql/functions.hpp"
#include "promql/parser.hpp"

namespace telltale::api {
namespace {

using promql::Expr;
using promql::ExprKind;

void write_tree(JsonWriter& w, const Expr& e);

void write_node(JsonWriter& w, std::string_view name, const promql::ExprPtr& e) {
  w.key(name);
  if (e) {
    write_tree(w, *e);
  } else {
    w.null();
  }
}

void write_texts(JsonWriter& w, std::string_view name, const std::vector<std::string>& list) {
  w.key(name).begin_array();
  for (const auto& text : list) w.string(text);
  w.end_array();
}

void write_matchers(JsonWriter& w, const Expr& e) {
  static constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  w.key("matchers").begin_array();
  for (const auto& m : e.matchers) {
    w.begin_object().field("type", kOps[static_cast<int>(m.op())]);
    w.field("name", m.name()).field("value", m.value()).end_object();
  }
  w.end_array();
}

/// Offset, `@`: of a selector or a subquery. A duration that is computed when the query is asked is text.
void write_when(JsonWriter& w, const Expr& e) {
  w.field("offset", e.offset_ms);
  if (e.offset) w.field("offsetExpr", promql::to_string(*e.offset));
  w.key("timestamp");
  if (e.at == promql::AtKind::time) {
    w.integer(e.at_ms);
  } else {
    w.null();
  }
  w.key("startOrEnd");
  if (e.at == promql::AtKind::start || e.at == promql::AtKind::end) {
    w.string(e.at == promql::AtKind::start ? "start" : "end");
  } else {
    w.null();
  }
}

void write_selector(JsonWriter& w, const Expr& e) {
  w.field("name", e.name);
  write_when(w, e);
  write_matchers(w, e);
  w.field("anchored", e.extension == promql::Extension::anchored);
  w.field("smoothed", e.extension == promql::Extension::smoothed);
}

void write_matching(JsonWriter& w, const promql::VectorMatching& m) {
  static constexpr std::string_view kCards[] = {"one-to-one", "many-to-one", "one-to-many", "many-to-many"};
  w.begin_object().field("card", kCards[static_cast<int>(m.card)]);
  write_texts(w, "labels", m.labels);
  w.field("on", m.on);
  write_texts(w, "include", m.include);
  if (m.fill_left) w.field("fillLeft", *m.fill_left);
  if (m.fill_right) w.field("fillRight", *m.fill_right);
  w.end_object();
}

void write_binary(JsonWriter& w, const Expr& e) {
  w.field("type", "binaryExpr").field("op", promql::to_string(e.op));
  write_node(w, "lhs", e.args[0]);
  write_node(w, "rhs", e.args[1]);
  w.key("matching");
  const bool vectors =
      e.args[0]->type == promql::ValueType::vector && e.args[1]->type == promql::ValueType::vector;
  if (vectors) {
    write_matching(w, e.matching);
  } else {
    w.null();
  }
  w.field("bool", e.bool_modifier);
}

void write_function_call(JsonWriter& w, const Expr& e) {
  w.field("type", "call").key("func").begin_object().field("name", e.text);
  const promql::FunctionSignature* f = promql::find_function(e.text);
  w.key("argTypes").begin_array();
  for (const auto type : f->args) w.string(promql::to_string(type));
  w.end_array().field("variadic", f->optional).field("returnType", promql::to_string(f->result)).end_object();
  w.key("args").begin_array();
  for (const auto& arg : e.args) write_tree(w, *arg);
  w.end_array();
}

void write_range_of(JsonWriter& w, const Expr& e) {
  w.field("range", e.range_ms);
  if (e.range) w.field("rangeExpr", promql::to_string(*e.range));
}

void write_tree(JsonWriter& w, const Expr& e) {
  w.begin_object();
  switch (e.kind) {
    case ExprKind::number:
      w.field("type", "numberLiteral").field("val", promql::format_value(e.number));
      break;
    case ExprKind::string:
      w.field("type", "stringLiteral").field("val", e.text);
      break;
    case ExprKind::vector_selector:
      w.field("type", "vectorSelector");
      write_selector(w, e);
      break;
    case ExprKind::matrix_selector:
      w.field("type", "matrixSelector");
      write_range_of(w, e);
      write_selector(w, *e.args[0]);
      break;
    case ExprKind::subquery:
      w.field("type", "subquery");
      write_node(w, "expr", e.args[0]);
      write_range_of(w, e);
      w.field("step", e.step_ms);
      if (e.step) w.field("stepExpr", promql::to_string(*e.step));
      write_when(w, e);
      break;
    case ExprKind::unary:
      w.field("type", "unaryExpr").field("op", promql::to_string(e.op));
      write_node(w, "expr", e.args[0]);
      break;
    case ExprKind::binary:
      write_binary(w, e);
      break;
    case ExprKind::aggregate:
      w.field("type", "aggregation").field("op", e.text);
      write_node(w, "expr", e.args[0]);
      write_node(w, "param", e.param);
      write_texts(w, "grouping", e.grouping);
      w.field("without", e.without);
      break;
    case ExprKind::call:
      write_function_call(w, e);
      break;
    case ExprKind::paren:
      w.field("type", "parenExpr");
      write_node(w, "expr", e.args[0]);
      break;
  }
  w.end_object();
}

Result<promql::ExprPtr> asked_query(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  const auto query = request.param("query");
  if (!query || query->empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  TT_ASSIGN(auto expr, promql::parse(*query));
  TT_TRY(promql::check_features(*query, *expr, services.promql.options().features));
  return expr;
}

Result<std::string> parse_query(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto expr, asked_query(services, request));
  JsonWriter w;
  w.begin_object().field("status", "success").key("data");
  write_tree(w, *expr);
  w.end_object();
  return w.take();
}

Result<std::string> format_query(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto expr, asked_query(services, request));
  JsonWriter w;
  w.begin_object().field("status", "success").field("data", promql::to_string(*expr)).end_object();
  return w.take();
}

}  // namespace

void add_parse_routes(net::Router& router, const Services& services) {
  add_prometheus_json_route(router, services, "GET|POST", "/api/v1/parse_query", "prom_parse_query",
                            parse_query);
  add_prometheus_json_route(router, services, "GET|POST", "/api/v1/format_query", "prom_format_query",
                            format_query);
}

}  // namespace telltale::api
