#include "redact/meta.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <simdjson.h>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace telltale::redact {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kWhat[] = {"s", "m", "x", "p"};  // by Method
constexpr std::size_t kMemberBytes = 9;                     // `,"_meta":`
constexpr std::size_t kMaxRemarkText = 100;                 // of a rule's or an error's name

struct MetaNode {
  std::map<std::string, MetaNode, std::less<>> children;
  std::vector<std::string> remarks;  // JSON
  std::vector<std::string> errors;
  std::optional<std::uint64_t> length;

  bool says_something() const { return !remarks.empty() || !errors.empty() || length; }
};

/// A name of a rule or of an error: words of programs, never text of people.
bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRemarkText && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@!_:.-").find(c) != std::string_view::npos;
  });
}

using Rename = std::function<bool(std::string&)>;

std::string renamed(std::string_view name, const Rename& rename) {
  std::string out(name);
  rename(out);
  return out;
}

void read_remark(dom::element value, MetaNode& node, const Rename& rename) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() < 2) return;
  JsonWriter w;
  w.begin_array();
  std::size_t at = 0;
  for (const dom::element part : list) {
    std::string_view text;
    std::uint64_t number = 0;
    if (at < 2 && part.get(text) == simdjson::SUCCESS && is_plain_name(text)) {
      w.string(renamed(text, rename));
    } else if (at >= 2 && at < 4 && part.get(number) == simdjson::SUCCESS) {
      w.unsigned_integer(number);
    } else {
      return;
    }
    ++at;
  }
  w.end_array();
  node.remarks.push_back(w.take());
}

void read_own(dom::object own, MetaNode& node, const Rename& rename) {
  for (const auto field : own) {
    dom::array list;
    std::uint64_t number = 0;
    if (field.key == "rem" && field.value.get(list) == simdjson::SUCCESS) {
      for (const dom::element remark : list) read_remark(remark, node, rename);
    } else if (field.key == "err" && field.value.get(list) == simdjson::SUCCESS) {
      for (const dom::element error : list) {
        std::string_view text;
        if (error.get(text) == simdjson::SUCCESS && is_plain_name(text))
          node.errors.push_back(renamed(text, rename));
      }
    } else if (field.key == "len" && field.value.get(number) == simdjson::SUCCESS) {
      node.length = number;
    }
  }
}

void read_meta(dom::object from, MetaNode& node, std::size_t depth, std::size_t& left, const Rename& rename) {
  for (const auto field : from) {
    dom::object below;
    if (field.value.get(below) != simdjson::SUCCESS) continue;
    if (field.key.empty()) {
      read_own(below, node, rename);
    } else if (depth < kMaxMetaDepth && left > 0) {
      --left;
      read_meta(below, node.children[renamed(field.key, rename)], depth + 1, left, rename);
    }
  }
}

std::string remark_json(const Remark& remark, const std::vector<RuleInfo>& rules) {
  JsonWriter w;
  w.begin_array().string("@" + std::string(rules[remark.rule].name));
  w.string(kWhat[static_cast<std::size_t>(remark.method)]);
  if (remark.placed) w.unsigned_integer(remark.begin).unsigned_integer(remark.end);
  w.end_array();
  return w.take();
}

void write_meta(JsonWriter& w, const MetaNode& node) {
  w.begin_object();
  if (node.says_something()) {
    w.key("").begin_object();
    if (!node.remarks.empty()) {
      w.key("rem").begin_array();
      for (const std::string& remark : node.remarks) w.raw(remark);
      w.end_array();
    }
    if (!node.errors.empty()) {
      w.key("err").begin_array();
      for (const std::string& error : node.errors) w.string(error);
      w.end_array();
    }
    if (node.length) w.field("len", *node.length);
    w.end_object();
  }
  for (const auto& [name, child] : node.children) {
    w.key(name);
    write_meta(w, child);
  }
  w.end_object();
}

}  // namespace

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void put_remarks(std::string& json, const JsonPlaces& places, const std::vector<ValueRemarks>& values,
                 const std::vector<RuleInfo>& rules, const Rename& rename) {
  if (places.root_end == std::string::npos) return;  // no object: it has no `_meta`
  const bool there = places.meta_begin != std::string::npos;
  if (!there && values.empty()) return;
  MetaNode root;
  if (there) {
    dom::parser parser;
    dom::object kept;
    std::size_t left = kMaxMetaNodes;
    if (parser.parse(json.data() + places.meta_begin, places.meta_end - places.meta_begin).get(kept) ==
        simdjson::SUCCESS)
      read_meta(kept, root, 0, left, rename);
  }
  for (const ValueRemarks& value : values) {
    MetaNode* node = &root;
    for (const std::string& key : value.path) node = &node->children[key];
    for (const Remark& remark : value.remarks) node->remarks.push_back(remark_json(remark, rules));
    if (value.has_length) node->length = value.length;
  }
  JsonWriter w;
  write_meta(w, root);
  const bool fits = json.size() + w.view().size() + kMemberBytes <= limits::kMaxErrorEventBytes;
  if (there) {
    json.replace(places.meta_begin, places.meta_end - places.meta_begin, fits ? w.view() : "{}");
  } else if (fits) {
    json.insert(places.root_end, std::string(places.root_empty ? "" : ",") + "\"_meta\":" + w.view());
  }
}

}  // namespace telltale::redact
