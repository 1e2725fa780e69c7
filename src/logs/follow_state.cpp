#include "logs/follow_state.hpp"

#include <simdjson.h>

#include "base/json.hpp"

namespace telltale::logs {
namespace {

constexpr std::int64_t kStateVersion = 1;

tl::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorKind::corruption, "state of followed files: " + std::string(what));
}

// Numbers of 64 bits are kept as texts: JSON's are not that exact everywhere.
std::uint64_t number_of(simdjson::dom::element file, std::string_view name) {
  std::string_view text;
  if (file[name].get(text) != simdjson::SUCCESS) return 0;
  std::uint64_t n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

}  // namespace

std::string encode_follow_state(const FollowState& state) {
  JsonWriter w;
  const auto number = [&](std::string_view name, std::uint64_t n) { w.field(name, std::to_string(n)); };
  w.begin_object().field("version", kStateVersion).key("sources").begin_array();
  for (const auto& source : state.sources) w.string(source);
  w.end_array().key("files").begin_array();
  for (const FileRecord& file : state.files) {
    w.begin_object().field("path", file.path);
    number("device", file.device);
    number("inode", file.inode);
    number("generation", file.generation);
    number("offset", file.offset);
    number("front_bytes", file.mark.front_bytes);
    number("front_hash", file.mark.front_hash);
    number("tail_bytes", file.mark.tail_bytes);
    number("tail_hash", file.mark.tail_hash);
    w.field("retired", file.retired).end_object();
  }
  w.end_array().end_object();
  return w.take();
}

Result<FollowState> decode_follow_state(std::string_view bytes) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(bytes.data(), bytes.size()).get(root) != simdjson::SUCCESS) return damaged("is no JSON");
  std::int64_t version = 0;
  if (root["version"].get(version) != simdjson::SUCCESS || version != kStateVersion)
    return damaged("has a version that is not known");
  FollowState state;
  simdjson::dom::array list;
  if (root["sources"].get(list) == simdjson::SUCCESS) {
    for (const auto source : list) {
      std::string_view text;
      if (source.get(text) == simdjson::SUCCESS) state.sources.emplace_back(text);
    }
  }
  if (root["files"].get(list) != simdjson::SUCCESS) return damaged("has no files");
  for (const auto item : list) {
    FileRecord file;
    std::string_view path;
    if (item["path"].get(path) != simdjson::SUCCESS) return damaged("has a file without a path");
    file.path = std::string(path);
    file.device = number_of(item, "device");
    file.inode = number_of(item, "inode");
    file.generation = number_of(item, "generation");
    file.offset = number_of(item, "offset");
    file.mark.front_bytes = static_cast<std::uint32_t>(number_of(item, "front_bytes"));
    file.mark.front_hash = number_of(item, "front_hash");
    file.mark.tail_bytes = static_cast<std::uint32_t>(number_of(item, "tail_bytes"));
    file.mark.tail_hash = number_of(item, "tail_hash");
    bool retired = false;
    file.retired = item["retired"].get(retired) == simdjson::SUCCESS && retired;
    state.files.push_back(std::move(file));
  }
  return state;
}

}  // namespace telltale::logs
