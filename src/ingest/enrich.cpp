#include "ingest/enrich.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "logs/roles.hpp"

namespace telltale::ingest {
namespace {

void cut(std::string& text, std::size_t max_bytes) {
  if (text.size() > max_bytes) text = std::string(truncate_utf8(text, max_bytes));
}

template <class Visit>
void for_each_text_id(EventIds& ids, Visit visit) {
  for (std::string* id : {&ids.environment, &ids.release, &ids.service, &ids.host, &ids.request_id,
                          &ids.user_id, &ids.transaction}) {
    visit(*id);
  }
}

}  // namespace

void fill_ids(EventRow& row) { logs::fill_columns(row); }

std::size_t bound_row(EventRow& row) {
  cut(row.message, limits::kMaxLogLineBytes);
  std::size_t dropped = 0;
  if (row.attributes.size() > limits::kMaxAttributes) {
    dropped = row.attributes.size() - limits::kMaxAttributes;
    row.attributes.resize(limits::kMaxAttributes);
  }
  for (Attr& a : row.attributes) {
    cut(a.name, limits::kMaxAttributeNameBytes);
    if (auto* text = std::get_if<std::string>(&a.value)) cut(*text, limits::kMaxAttributeValueBytes);
  }
  for_each_text_id(row.ids, [](std::string& id) { cut(id, limits::kMaxAttributeNameBytes); });
  return dropped;
}

void redact_row(EventRow& row, const redact::Redactor& redactor, redact::Counts& counts,
                std::size_t first_parsed) {
  using redact::FieldForm;
  using redact::KeyKind;
  thread_local std::vector<redact::Field> fields;  // keeps its memory from row to row
  fields.clear();
  fields.push_back({{}, &row.message, FieldForm::text});
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    Attr& a = row.attributes[i];
    const redact::KeyFacts* name = &redactor.facts(a.name, i);
    if (name->secret) {
      a.name = name->renamed;
      counts.add(redact::kKeyRule);
      name = &redactor.facts(a.name);
    }
    const KeyKind kind = name->kind;
    if (auto* text = std::get_if<std::string>(&a.value)) {
      fields.push_back({a.name, text, i >= first_parsed ? FieldForm::derived : FieldForm::text, kind});
    } else if (const auto* number = std::get_if<std::int64_t>(&a.value)) {
      if (auto hidden = redactor.redact_number(kind, *number, &counts)) a.value = *std::move(hidden);
    } else if (kind == KeyKind::hard && std::holds_alternative<double>(a.value)) {
      a.value = redactor.replacement(redact::kKeyRule, to_string(a.value));
      counts.add(redact::kKeyRule);
    }
  }
  for_each_text_id(row.ids, [&](std::string& id) { fields.push_back({{}, &id, FieldForm::id}); });
  redactor.redact_fields(fields, &counts);
}

}  // namespace telltale::ingest
